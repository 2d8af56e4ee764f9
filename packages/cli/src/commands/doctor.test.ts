import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { checkClock } from '../doctor/server-checks.ts'
import type { Check } from '../doctor/check.ts'
import { createTool } from '../testing/run-tool.ts'
import { useServer } from '../testing/server-suite.ts'

const server = useServer()

interface Diagnosis {
  ok: boolean
  checks: Check[]
}

async function diagnose(tool: Awaited<ReturnType<typeof createTool>>, env: Record<string, string> = tool.env) {
  const { exitCode, stdout } = await tool.run('doctor --json', { env })
  const { ok, checks } = JSON.parse(stdout) as Diagnosis
  return { exitCode, ok, checks, states: Object.fromEntries(checks.map(({ id, status }) => [id, status])) }
}

test('all is well', async () => {
  const tool = await server.createPublisher()
  await tool.json('keys add --yes')
  await tool.write({ 'node_modules/react-native/package.json': '{"version": "0.88.1"}' })
  const states = { project: 'ok', server: 'ok', token: 'ok', clock: 'ok', key: 'ok', 'key-mode': 'ok', node: 'ok' }
  expect(await diagnose(tool)).toMatchObject({
    exitCode: 0,
    ok: true,
    states: { ...states, 'key-registered': 'ok', 'react-native': 'ok' },
  })
})

test('a fresh machine is told what to do', async () => {
  const { exitCode, ok, checks, states } = await diagnose(await createTool())
  expect([exitCode, ok]).toEqual([1, false])
  expect(states).toMatchObject({ server: 'fail', key: 'warn', 'react-native': 'warn' })
  expect(checks).toContainEqual(
    expect.objectContaining({ id: 'server', status: 'fail', fixable: true, fix: 'hotpatch login' }),
  )
})

test('a server that was not told its own address is advised to learn it', async () => {
  const { checks } = await diagnose(await server.createPublisher())
  const fix = expect.stringContaining('Set HOTPATCH_PUBLIC_URL to the address that devices use')
  expect(checks).toContainEqual(expect.objectContaining({ id: 'public-url', status: 'warn', fix }))
})

test('an app that nothing holds to its id is told of, until the project file does', async () => {
  const tool = await server.createPublisher()
  const first = await diagnose(tool)
  const fix = `hotpatch trust app --app ${tool.app.slug} --project`
  expect(first.checks).toContainEqual(expect.objectContaining({ id: 'app-known', status: 'warn', fix }))
  await tool.json('trust app --project --yes')
  expect((await diagnose(tool)).states).toMatchObject({ 'app-known': 'ok' })
  const other = '0197f0c2-7f0a-7c3e-9a55-2b1d6f1e8a01'
  await tool.write({ 'hotpatch.json': JSON.stringify({ app: tool.app.slug, appId: other }) })
  const { exitCode, states } = await diagnose(tool)
  expect([exitCode, states]).toEqual([1, expect.objectContaining({ 'app-known': 'fail' })])
})

test('each thing that is wrong is found', async () => {
  const tool = await server.createPublisher()
  expect((await diagnose(tool)).states).toMatchObject({ 'key-registered': 'warn' })
  await chmod(join(tool.home, '.rn-ota', 'signing_key.pem'), 0o644)
  expect((await diagnose(tool)).states).toMatchObject({ 'key-mode': 'fail' })
  await tool.json('keys generate --key other.pem')
  await tool.json('keys add --key other.pem --yes')
  expect((await diagnose(tool)).states).toMatchObject({ 'key-registered': 'fail' })

  const wrongToken = { ...tool.env, HOTPATCH_TOKEN: 'hpt_wrong' }
  expect((await diagnose(tool, wrongToken)).states).toMatchObject({ server: 'ok', token: 'fail', node: 'ok' })
  const wrongUrl = { ...tool.env, HOTPATCH_URL: 'nowhere' }
  expect((await diagnose(tool, wrongUrl)).states).toMatchObject({ server: 'fail', node: 'ok' })
  await tool.write({ 'hotpatch.json': '{' })
  expect((await diagnose(tool)).states).toMatchObject({ project: 'fail', server: 'ok' })
})

test('the key of an edge is told of before it is over', async () => {
  const tool = await server.createPublisher()
  await tool.json('keys add --yes')
  expect((await diagnose(tool)).states).not.toHaveProperty('edge-key')
  await tool.json('edge enable --days 29 --yes')
  const { exitCode, checks } = await diagnose(tool)
  expect(exitCode).toBe(0)
  const fix = `hotpatch edge enable --app ${tool.app.slug}`
  expect(checks).toContainEqual(expect.objectContaining({ id: 'edge-key', status: 'warn', fix }))
  await tool.json('edge enable --yes')
  expect((await diagnose(tool)).states).toMatchObject({ 'edge-key': 'ok' })
})

test.each([
  [0, 'ok', 'Within 0 s'],
  [59_000, 'ok', 'Within 59 s'],
  [61_000, 'warn', '61 s ahead of'],
  [-3_600_000, 'warn', '3600 s behind'],
])('a clock that is %i ms off', (skewMs, status, message) => {
  const serverTime = '2030-01-01T00:00:00.000Z'
  const now = Date.parse(serverTime) + skewMs
  expect(checkClock(serverTime, now - 500, now + 500)).toMatchObject({
    status,
    message: expect.stringContaining(message),
  })
})
