import type { Page, PublishedArchive, Release } from '@hotpatch/api'
import { zipOf } from '@hotpatch/testkit'
import { describe, expect, test } from 'vitest'
import { useServer } from '../testing/server-suite.ts'

const server = useServer()
const built = { 'index.html': '<!doctype html><script src="main.js"></script>', 'main.js': 'start()' }
const config = "export default { appId: 'com.example.app', webDir: 'www' }"
const createPublisher = () => server.createPublisher({ platforms: ['android', 'ios'] })

const inFolder = (folder: string) =>
  Object.fromEntries(Object.entries(built).map(([name, content]) => [`${folder}/${name}`, content]))

interface Both {
  releases: PublishedArchive[]
}

describe('a Capacitor app', () => {
  test('is published from its webDir for android and ios, as one zip', async () => {
    const { write, json } = await createPublisher()
    await write({ ...inFolder('www'), 'capacitor.config.ts': config })
    const line = 'publish --platform android,ios --version 1.1.0 --yes'
    const { releases } = await json<Both>(line)
    expect(releases).toMatchObject([
      { platform: 'android', content: { fileCount: 2 } },
      { platform: 'ios', content: { fileCount: 2 } },
    ])
    expect(releases[0]?.content.sha256).toBe(releases[1]?.content.sha256)
    expect(await json<Both>(line)).toEqual({ releases })
    expect((await json<Page<Release>>('releases list')).items).toHaveLength(2)
  })

  test.each([[['android', 'ios']], [['android', 'any']]])(
    'is published once for any platform of %s',
    async (platforms) => {
      const { write, json } = await server.createPublisher({ platforms })
      await write({ ...inFolder('dist'), 'capacitor.config.json': '{ "webDir": "dist" }' })
      const published = await json<PublishedArchive>('release --platform any --version 1.1.0 --yes')
      expect(published).toMatchObject({ platform: 'any', content: { fileCount: 2 }, sequence: 1 })
    },
  )

  test('lies below the project file, or is worked on from a folder of its own', async () => {
    const { write, run, cwd } = await createPublisher()
    await write({ ...inFolder('mobile/www'), 'mobile/capacitor.config.ts': config, 'mobile/src/main.ts': '' })
    const line = 'release --platform ios --version 1.1.0 --dry-run'
    const { stderr } = await run(line, { cwd: `${cwd}/mobile/src` })
    expect(stderr).toMatch(/Bundle +2 files of .*mobile\/www, zipped/)
    // Above it nothing says that there is one.
    expect((await run(line)).stderr).not.toContain('www')
  })

  test.each([
    ['is worked out', 'export default { webDir: process.env.OUT }', 'one that a program works out'],
    ['is not there', 'export default { appId: "x" }', 'found no webDir'],
  ])('asks for the folder when webDir %s', async (_case, text, message) => {
    const { write, run, json } = await createPublisher()
    await write({ ...inFolder('out'), 'capacitor.config.js': text })
    const line = 'release --platform android,ios --version 1.1.0 --yes'
    const { exitCode, stderr } = await run(line)
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining(message)])
    expect(stderr).toContain('--bundle-dir www')
    expect((await json<Both>(`${line} --bundle-dir out`)).releases).toHaveLength(2)
  })

  test('has to be built before', async () => {
    const { write, run } = await createPublisher()
    await write({ 'capacitor.config.ts': config })
    const { exitCode, stderr } = await run('release --platform ios --version 1.1.0 --yes')
    expect([exitCode, stderr]).toEqual([
      1,
      expect.stringMatching(/Expected a folder with a bundle at .*www, found nothing/),
    ])
    expect((await run('release --platform ios --version 1.1.0 --hermes')).stderr).toContain('is of a Capacitor app')
  })

  test('needs the shell that MIN_NATIVE_VERSION names, unless an option says otherwise', async () => {
    const { write, json, run } = await createPublisher()
    const project = 'MARKETING_VERSION = 2.5;'
    await write({
      ...inFolder('www'),
      'capacitor.config.ts': config,
      MIN_NATIVE_VERSION: '2.1.0\n',
      'ios/App/App.xcodeproj/project.pbxproj': project,
    })
    const line = 'release --platform ios --dry-run'
    interface Plan {
      requirement: object
      warnings: string[]
    }
    const requirementOf = async (more: string) => (await json<Plan>(`${line} --version ${more}`)).requirement
    expect(await requirementOf('1.1.0')).toEqual({ minNativeVersion: '2.1.0', nativeRange: '<=2.5.0' })
    expect(await requirementOf('1.1.0 --min-native 2.3.0')).toEqual({ minNativeVersion: '2.3.0' })
    expect(await requirementOf('1.1.0 --min-os 15')).toEqual({ minNativeVersion: '2.1.0', minOsVersion: '15' })
    expect(await requirementOf('1.1.0 --any-native')).toEqual({})
    expect((await run(`${line} --version 1.1.0`)).stderr).toContain(
      '(MIN_NATIVE_VERSION, and MARKETING_VERSION in ios/App/',
    )

    await write({ MIN_NATIVE_VERSION: '3.0.0\n' })
    const above = await json<Plan>(`${line} --version 1.1.0`)
    expect(above.requirement).toEqual({ minNativeVersion: '3.0.0' })
    expect(above.warnings.join()).toContain('is below the 3.0.0 of MIN_NATIVE_VERSION')
    await write({ MIN_NATIVE_VERSION: 'next' })
    expect((await run(`${line} --version 1.1.0`)).stderr).toContain('Expected one version such as 2.1.0')
  })
})

describe('one place for several platforms', () => {
  test('may be the zip of a web app', async () => {
    const { write, json } = await createPublisher()
    await write({ 'app.zip': await zipOf(built) })
    const { releases } = await json<Both>('release --platform android,ios --version 1.0.0 --bundle app.zip --yes')
    expect(releases.map(({ platform }) => platform)).toEqual(['android', 'ios'])
  })

  test('may not be what one of them runs', async () => {
    const { write, run } = await createPublisher()
    await write({
      'dist/index.android.bundle': 'x',
      'dist/main.jsbundle': 'x',
      'app.zip': await zipOf({ 'a.txt': 'x' }),
    })
    for (const from of ['--bundle-dir dist', '--bundle app.zip']) {
      const { exitCode, stderr } = await run(`release --platform android,ios --version 1.0.0 --yes ${from}`)
      expect([exitCode, stderr]).toEqual([
        2,
        expect.stringContaining('for several platforms, and what is there is no web app'),
      ])
    }
  })
})
