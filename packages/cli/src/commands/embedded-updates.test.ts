import { readdir } from 'node:fs/promises'
import type { EmbeddedUpdate, EmbeddedUpdates } from '@hotpatch/api'
import { anApk, anIpa, binaryXml } from '@hotpatch/testkit/binaries'
import { expect, test } from 'vitest'
import { useServer } from '../testing/server-suite.ts'

const server = useServer()
const ID = 'F47AC10B-58CC-4372-A567-0E02B2C3D479'
const BUILT_AT = Date.parse('2026-09-21T14:13:20.123Z')

/** As the build script of expo-updates writes it. */
const manifest = (id = ID) => JSON.stringify({ id, commitTime: BUILT_AT, assets: [] })

/** As Gradle writes it, with the meta-data that expo-updates reads. */
const androidManifest = (runtimeVersion: string) =>
  binaryXml({
    name: 'manifest',
    attributes: [{ name: 'package', value: 'com.example.app' }],
    children: [
      {
        name: 'application',
        attributes: [],
        children: [
          {
            name: 'meta-data',
            attributes: [
              { name: 'name', id: 0x0101_0003, value: 'expo.modules.updates.EXPO_RUNTIME_VERSION' },
              { name: 'value', id: 0x0101_0024, value: runtimeVersion },
            ],
            children: [],
          },
        ],
      },
    ],
  })

const apk = (runtimeVersion: string, more: { name: string; content: string }[] = []) =>
  anApk({
    manifest: androidManifest(runtimeVersion),
    more: [
      { name: 'assets/app.manifest', content: manifest() },
      { name: 'assets/index.android.bundle', content: 'start()' },
      ...more,
    ],
  })

const ipa = anIpa({
  more: [
    { name: 'Payload/Example.app/EXUpdates.bundle/app.manifest', content: manifest() },
    { name: 'Payload/Example.app/main.jsbundle', content: 'start ios' },
    {
      name: 'Payload/Example.app/Expo.plist',
      content:
        '<?xml version="1.0"?><plist version="1.0"><dict><key>EXUpdatesRuntimeVersion</key><string>1.4.0</string></dict></plist>',
    },
  ],
})

test('what a binary shipped with is read of it, kept, shown and forgotten', async () => {
  const { json, run, write, app, env } = await server.createPublisher()
  await write({ 'app.apk': apk('1.4.0'), 'app.ipa': ipa })
  const line = 'updates embedded upload app.apk --native-version 1.4.0+7 --yes'
  const added = await json<EmbeddedUpdate>(line)
  expect(added).toMatchObject({
    platform: 'android',
    id: ID.toLowerCase(),
    builtAt: '2026-09-21T14:13:20.123Z',
    runtimeVersion: '1.4.0',
    nativeVersion: '1.4.0+7',
    sizeBytes: 7,
  })
  expect(await json(line)).toEqual(added)
  const no = await run('updates embedded upload app.ipa', { isTTY: true, input: 'n' })
  expect([no.exitCode, no.stderr]).toEqual([1, expect.stringContaining('runtime version 1.4.0')])
  expect(await json('updates embedded upload app.ipa --yes')).toMatchObject({ platform: 'ios', sizeBytes: 9 })
  const { items } = await json<EmbeddedUpdates>('updates embedded list')
  expect(items.map(({ platform }) => platform)).toEqual(['android', 'ios'])
  // The bytes are there for good, as a base of patches.
  const bytes = await fetch(`${server.url()}/artifacts/${added.sha256}`)
  expect(await bytes.text()).toBe('start()')
  expect(await json(`updates embedded view ${ID} --platform ios`)).toMatchObject({ platform: 'ios' })
  expect(await json(`updates embedded delete ${ID} --platform android --yes`)).toEqual(added)
  const gone = await run(`updates embedded view ${ID} --platform android --app ${app.slug}`)
  expect([gone.exitCode, gone.stderr]).toEqual([1, expect.stringContaining('has no embedded update')])
  expect(await readdir(env.TMPDIR ?? '')).toEqual([])
})

test('a fingerprint is in a file beside it', async () => {
  const { json, write } = await server.createPublisher()
  await write({ 'app.apk': apk('file:fingerprint', [{ name: 'assets/fingerprint', content: 'abc\n' }]) })
  expect(await json('updates embedded upload app.apk --yes')).toMatchObject({ runtimeVersion: 'abc' })
})

test('an id that another build has, and a file without an update, are refused', async () => {
  const { json, run, write } = await server.createPublisher()
  await write({
    'app.apk': apk('1'),
    'other.apk': anApk({
      more: [
        { name: 'assets/app.manifest', content: manifest() },
        { name: 'assets/index.android.bundle', content: 'other()' },
      ],
    }),
    'plain.apk': anApk(),
    'bad.apk': anApk({ more: [{ name: 'assets/app.manifest', content: manifest('no uuid') }] }),
    'text.txt': 'text',
  })
  await json('updates embedded upload app.apk --yes')
  for (const [name, message] of [
    ['other.apk', 'Each build has an id of its own'],
    ['plain.apk', 'built without expo-updates'],
    ['bad.apk', 'Expected a UUID'],
    ['none.apk', 'cannot be read'],
    ['text.txt', 'text.txt'],
  ] as const) {
    const { exitCode, stderr } = await run(`updates embedded upload ${name} --yes`)
    expect([name, exitCode, stderr]).toEqual([name, 1, expect.stringContaining(message)])
  }
})
