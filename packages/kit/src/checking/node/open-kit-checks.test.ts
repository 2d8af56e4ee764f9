import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import vectors from '../../../../../vectors/kit/checks.json' with { type: 'json' }
import { openKitChecks } from './open-kit-checks.ts'

async function installed(kit: string | undefined): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'kit-open-'))
  onTestFinished(() => rm(root, { recursive: true, force: true }))
  await writeFile(join(root, 'substratum-kit-release.json'), vectors.installed)
  if (kit !== undefined) await writeFile(join(root, 'kit.json'), kit)
  return root
}

test.each([
  ['that is damaged', '{'],
  ['with a mistake', '{"publicKeys":["x"],"components":{}}'],
  ['that is not there', undefined],
])('a kit.json %s is said in the log, and an application starts all the same', async (_what, kit) => {
  const logged: unknown[] = []
  const root = await installed(kit)
  const checks = await openKitChecks({
    root,
    application: 'gateway',
    ports: { log: ({ outcome }) => logged.push(outcome) },
  })
  const failed = { kind: 'check_failed', code: 'installation-invalid', message: expect.stringContaining('kit.json') }
  expect(await checks.check({ isAsked: true })).toEqual(failed)
  expect(logged).toEqual([failed])
  expect(await checks.refresh()).toBeUndefined()
})

test('the environment says the channel before kit.json does', async () => {
  const places = { gateway: { path: 'gateway' } }
  const root = await installed(
    JSON.stringify({
      publicKeys: [vectors.publicKey],
      components: places,
      channelVariable: 'KIT_CHANNEL',
      channel: 'beta',
    }),
  )
  const channels: string[] = []
  const log = ({ channel }: { channel: string }) => channels.push(channel)
  for (const environment of [{ KIT_CHANNEL: 'dev' }, {}]) {
    const checks = await openKitChecks({ root, application: 'gateway', environment, ports: { log } })
    await checks.check()
  }
  expect(channels).toEqual(['dev', 'beta'])
})
