import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeInstalledKit } from '@hotpatch/protocol'
import { kitContentOf, newSigningKey, sha256Of, signKit } from '@hotpatch/testkit'
import { expect, test } from 'vitest'
import { createTool } from '../testing/run-tool.ts'

const APP = '0197f0c2-7f0a-7c3e-9a55-2b1d6f1e8a01'
const key = newSigningKey()

/** One settings file that a release brings, which works unless it says that it is broken. */
async function openTool() {
  const tool = await createTool()
  const check = `process.exit(require('fs').readFileSync('bin/tool','utf8').includes('broken') ? 1 : 0)`
  const document = {
    publicKeys: [key.publicKey],
    components: { tool: { path: 'bin/tool' } },
    probe: { hook: { run: [process.execPath, '-e', check], timeoutMs: 60_000 } },
  }
  await tool.write({
    'kit.json': JSON.stringify(document),
    'bin/tool': 'first',
    'substratum-kit-release.json': writeInstalledKit({
      releaseId: '1',
      channel: 'stable',
      components: { tool: { version: '1' } },
    }),
  })
  async function bundle(
    releaseId: string,
    sequence: number,
    bytes: string,
    more: { severity?: 'security'; channel?: string } = {},
  ) {
    const probe = { type: 'hook' as const, attempts: 1, intervalMs: 0, timeoutMs: 60_000 }
    const content = kitContentOf({ tool: { bytes } }, { releaseId, probe, ...more })
    const { text, statementSignature } = signKit(key, content, { appId: APP, sequence })
    const folder = join(tool.home, `bundle-${releaseId}`)
    await mkdir(join(folder, 'artifacts'), { recursive: true })
    await writeFile(join(folder, 'latest.json'), text)
    const signatures = [{ scheme: 'ed25519', keyId: 'test', value: statementSignature }]
    await writeFile(join(folder, 'latest.json.sig'), JSON.stringify({ signatures }))
    await writeFile(join(folder, 'artifacts', sha256Of(Buffer.from(bytes))), bytes)
    return folder
  }
  const installed = () => readFile(join(tool.cwd, 'bin/tool'), 'utf8')
  return { ...tool, bundle, installed }
}

test('a kit is checked, planned and applied by who agrees, and gone back from', async () => {
  const { run, bundle, installed } = await openTool()
  const [second, third] = [await bundle('2', 7, 'second'), await bundle('3', 8, 'third', { severity: 'security' })]

  expect(await run(`kit check --bundle ${second}`)).toMatchObject({
    exitCode: 3,
    stdout: expect.stringContaining('2 is available'),
  })
  const planned = await run(`kit plan --bundle ${second} --json`)
  expect(JSON.parse(planned.stdout)).toMatchObject({
    plan: { to: { releaseId: '2' }, steps: [{ id: 'tool', from: '1', to: '2' }] },
  })
  expect(await run(`kit apply --bundle ${second}`)).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('--yes'),
  })
  expect(await run(`kit apply --bundle ${second} --unasked`)).toMatchObject({
    exitCode: 0,
    stdout: expect.stringContaining('only when somebody agrees'),
  })
  expect(await installed()).toBe('first')

  const applied = await run(`kit apply --bundle ${second} --yes`)
  expect(applied).toMatchObject({ exitCode: 0, stdout: '2 is installed.\n' })
  expect(applied.stderr).toContain('tool (binary): 1 → 2')
  expect(await installed()).toBe('second')
  expect(await run(`kit check --bundle ${third} --json`)).toMatchObject({ exitCode: 4 })
  await run(`kit apply --bundle ${third} --yes`)
  expect(await run('kit rollback --yes --json')).toMatchObject({ exitCode: 0 })
  expect(await installed()).toBe('second')

  const status = await run('kit status --json')
  expect(JSON.parse(status.stdout)).toMatchObject({ releaseId: '2', trust: { sequence: 8 }, openApply: null })
  expect((await run('kit status')).stdout).toContain('Did not work here: 3 (rolled-back)')
  expect((await run('kit log --limit 200')).stdout).toContain('committed')
  expect(await run('kit doctor')).toMatchObject({ exitCode: 0 })
  expect(await run('kit recover')).toMatchObject({ exitCode: 0, stdout: 'No apply was cut short.\n' })
})

test('what does not work is taken back, with an exit code of its own', async () => {
  const { run, bundle, installed } = await openTool()
  const broken = await bundle('2', 7, 'broken')
  expect(await run(`kit apply --bundle ${broken} --yes`)).toMatchObject({
    exitCode: 5,
    stdout: expect.stringContaining('was taken back'),
  })
  expect(await installed()).toBe('first')
  expect(await run(`kit check --bundle ${broken}`)).toMatchObject({
    exitCode: 0,
    stdout: expect.stringMatching(
      /2 is offered\. Did not work here: 2 \(probe-failed\), \d{4}-.* It is not tried again by itself/s,
    ),
  })
  expect(await run(`kit apply --bundle ${broken} --yes`)).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('--again'),
  })
})

test('a check that finds nothing says what was newer and did not work here, and so does the status', async () => {
  const { run, bundle } = await openTool()
  const [older, broken] = [await bundle('2', 7, 'second'), await bundle('3', 8, 'broken')]
  await run(`kit apply --bundle ${broken} --yes`)
  await run(`kit apply --bundle ${older} --yes`)
  const said = expect.stringMatching(/Did not work here: 3 \(probe-failed\), .* It is not tried again by itself/s)
  expect(await run(`kit check --bundle ${older}`)).toMatchObject({ exitCode: 0, stdout: said })
  expect(await run('kit status')).toMatchObject({ exitCode: 0, stdout: said })
  const { stdout } = await run(`kit check --bundle ${older} --json`)
  expect(JSON.parse(stdout)).toMatchObject({
    failed: [{ releaseId: '3', code: 'probe-failed', message: expect.any(String), isTriedAgain: false }],
  })
})

test('a bundle of another channel is taken by nobody who does not name it', async () => {
  const { run, bundle, installed } = await openTool()
  const beta = await bundle('2', 7, 'second', { channel: 'beta' })
  expect(await run(`kit apply --bundle ${beta} --yes`)).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('--channel beta'),
  })
  expect(await installed()).toBe('first')
  expect(await run(`kit check --bundle ${beta} --channel beta`)).toMatchObject({ exitCode: 3 })
  expect(await run(`kit apply --bundle ${beta} --channel beta --yes`)).toMatchObject({ exitCode: 0 })
  expect(await installed()).toBe('second')
})

test('Ctrl-C before the commit takes everything back', async () => {
  const { run, bundle, installed } = await openTool()
  const interrupt = new AbortController()
  interrupt.abort()
  const stopped = await run(`kit apply --bundle ${await bundle('2', 7, 'second')} --yes`, { signal: interrupt.signal })
  expect(stopped.exitCode).not.toBe(0)
  expect(await installed()).toBe('first')
  expect(await run('kit recover')).toMatchObject({ stdout: 'No apply was cut short.\n' })
})

test('what is offered can be put off; without a kit.json it is said where one was looked for', async () => {
  const { run, bundle, cwd, home } = await openTool()
  const second = await bundle('2', 7, 'second')
  expect(await run(`kit snooze --bundle ${second}`)).toMatchObject({
    exitCode: 0,
    stdout: expect.stringContaining('put off until'),
  })
  expect((await run(`kit check --bundle ${second}`)).stdout).toContain('It was put off')
  expect(await run('kit status', { cwd: home })).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('--root'),
  })
  expect(await run(`kit status --root ${cwd}`, { cwd: home })).toMatchObject({ exitCode: 0 })
  await writeFile(join(cwd, 'kit.json'), '{"components":{}}')
  expect(await run('kit doctor')).toMatchObject({ exitCode: 1, stdout: expect.stringContaining('publicKeys') })
})
