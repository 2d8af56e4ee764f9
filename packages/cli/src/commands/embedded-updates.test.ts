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
    nativeVersions: ['1.4.0+7'],
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
    ['plain.apk', 'it is no React Native app'],
    ['bad.apk', 'Expected a UUID'],
    ['none.apk', 'cannot be read'],
    ['text.txt', 'text.txt'],
  ] as const) {
    const { exitCode, stderr } = await run(`updates embedded upload ${name} --yes`)
    expect([name, exitCode, stderr]).toEqual([name, 1, expect.stringContaining(message)])
  }
})

test('of a React Native app its files are kept, of which patches are made', async () => {
  const { json, run, write, app } = await server.createPublisher()
  const bundle = { name: 'assets/index.android.bundle', content: 'start()' }
  await write({
    'app.apk': anApk({ version: '2.0.0', versionCode: 7, more: [bundle] }),
    // A store makes another file of the same.
    'store.apk': anApk({ version: '2.0.0', versionCode: 8, more: [bundle, { name: 'assets/font.ttf', content: 'f' }] }),
    'app.ipa': anIpa({
      more: [
        { name: 'Payload/Example.app/main.jsbundle', content: 'start ios' },
        { name: 'Payload/Example.app/assets/src/photo.png', content: 'photo' },
        { name: 'Payload/Example.app/Frameworks/other.bin', content: 'other' },
      ],
    }),
    'shipped/main.jsbundle': 'start ios',
    'shipped/main.jsbundle.map': '{}',
    'shipped/assets/src/photo.png': 'photo',
    'evil.ipa': anIpa({
      more: [
        { name: 'Payload/Example.app/main.jsbundle', content: 'start ios' },
        { name: 'Payload/Example.app/assets/a:b', content: 'evil' },
      ],
    }),
  })
  const added = await json<EmbeddedUpdate>('updates embedded upload app.apk --yes')
  expect(added).toMatchObject({ kind: 'archive', platform: 'android', builtAt: null, nativeVersions: ['2.0.0+7'] })
  expect(await json('updates embedded upload store.apk --yes')).toEqual({
    ...added,
    nativeVersions: ['2.0.0+7', '2.0.0+8'],
  })
  const ofIpa = await json<EmbeddedUpdate>('updates embedded upload app.ipa --yes')
  expect(ofIpa).toMatchObject({ kind: 'archive', platform: 'ios' })
  expect(ofIpa.id).not.toBe(added.id)
  const ofFolder = await json('updates embedded upload shipped --platform ios --native-version 1 --yes')
  expect(ofFolder).toEqual({ ...ofIpa, nativeVersions: [...ofIpa.nativeVersions, '1'] })
  const table = await run(`updates embedded list --app ${app.slug}`)
  expect(table.stdout).toContain('2.0.0+7, 2.0.0+8')
  expect(await json(`updates embedded delete ${added.id} --yes`)).toMatchObject({ id: added.id })
  for (const [line, message] of [
    ['evil.ipa', 'Expected paths that releases may have'],
    ['shipped', '--platform ios'],
    ['none', 'cannot be read'],
  ] as const) {
    const { exitCode, stderr } = await run(`updates embedded upload ${line} --yes`)
    expect([line, exitCode > 0, stderr]).toEqual([line, true, expect.stringContaining(message)])
  }
})
