import type { Patch, Patches } from '@hotpatch/api'
import { zipOf } from '@hotpatch/testkit'
import { noise } from '@hotpatch/testkit/archives'
import { expect, test } from 'vitest'
import { useServer } from '../testing/server-suite.ts'

const server = useServer()

const bundleOf = (text: string) =>
  zipOf({ 'index.android.bundle': Buffer.concat([noise(30_000), Buffer.from(text)]), 'icon.png': noise(5_000) })

test('a patch is made, listed, shown and pruned', async () => {
  const { json, run, write, app } = await server.createPublisher()
  await write({ '1.zip': await bundleOf('one'), '2.zip': await bundleOf('two') })
  for (const version of ['1', '2']) {
    await json(`release --bundle ${version}.zip --platform android --version ${version}.0.0 --any-native --yes`)
  }
  const line = 'patch --from 1.0.0 --to 2.0.0 --platform android'
  const made = await json<Patch>(line)
  expect(made).toMatchObject({ from: '1.0.0', to: '2.0.0', platform: 'android', state: 'made' })
  expect(made.savedShare).toBeGreaterThan(0.9)
  expect((await json<Patches>('patches list')).items).toEqual([made])
  const table = await run(`patches list --app ${app.slug}`)
  expect(table.stdout).toContain(made.id)
  expect(await json(`patches show ${made.id}`)).toEqual(made)
  expect(await json(`patches prune ${made.id} --yes`)).toMatchObject({ state: 'pruned', packed: [] })
  const none = await run(`patch --from 9.0.0 --to 2.0.0 --platform android --app ${app.slug}`)
  expect([none.exitCode, none.stderr]).toEqual([1, expect.stringContaining('no release of the version 9.0.0')])
})

test('and one of what a binary shipped with', async () => {
  const { json, run, write, app } = await server.createPublisher()
  await write({ '1.zip': await bundleOf('one'), '2.zip': await bundleOf('two') })
  await json('updates embedded upload 1.zip --platform android --native-version 1.0.0+7 --yes')
  await json('release --bundle 2.zip --platform android --version 2.0.0 --any-native --yes')
  const made = await json<Patch>('patch --from embedded:1.0.0+7 --to 2.0.0 --platform android')
  expect(made).toMatchObject({ from: 'embedded 1.0.0+7', fromReleaseId: null, to: '2.0.0', state: 'made' })
  const none = await run(`patch --from embedded:9 --to 2.0.0 --platform android --app ${app.slug}`)
  expect([none.exitCode, none.stderr]).toEqual([1, expect.stringContaining('knows of no binary 9 for android')])
})
