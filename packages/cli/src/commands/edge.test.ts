import type { EdgeOfApp } from '@hotpatch/api'
import { expect, test } from 'vitest'
import { useServer } from '../testing/server-suite.ts'

const server = useServer()

test('a publisher signs for the server’s key, for another one, and for none', async () => {
  const { app, json, run } = await server.createPublisher()
  await json('keys', 'add', '--yes')
  expect((await run('edge show')).stdout).toContain('This app has no edge')
  const enabled = await json<EdgeOfApp>('edge', 'enable', '--days', '30', '--yes')
  expect(enabled.keyDocument).toMatchObject({ version: 1, keys: [{ publicKey: enabled.serverKeys[0]?.publicKey }] })
  const document = await (await fetch(`${server.url()}/edge/v1/${app.id}/keys.json`)).json()
  expect(document).toMatchObject({ payload: expect.any(String), signatures: [expect.any(String)] })
  expect((await run('edge show')).stdout).toMatch(/^key [0-9a-f]{16} until \d{4}-/)

  // Signed anew it is the same key, for longer.
  const longer = await json<EdgeOfApp>('edge', 'enable', '--yes')
  expect(longer.keyDocument?.keys[0]?.publicKey).toBe(enabled.keyDocument?.keys[0]?.publicKey)
  const rotated = await json<EdgeOfApp>('edge', 'rotate', '--yes')
  expect(rotated.keyDocument).toMatchObject({ version: 3, keys: [{ publicKey: rotated.serverKeys[1]?.publicKey }] })
  const disabled = await json<EdgeOfApp>('edge', 'disable', '--yes')
  expect(disabled.keyDocument).toMatchObject({ version: 4, keys: [] })
})

test.each(['0', '401', '1.5', 'long'])('no key is good for %s days', async (days) => {
  const { run } = await server.createPublisher()
  const { exitCode, stderr } = await run(['edge', 'enable', '--days', days, '--yes'])
  expect([exitCode, stderr]).toEqual([2, expect.stringContaining('from 1 to 400')])
})
