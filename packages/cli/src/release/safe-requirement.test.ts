import { beforeEach, describe, expect, test } from 'vitest'
import { createTool, type Tool } from '../testing/run-tool.ts'
import { readProjectNative } from './project-native.ts'
import { chooseRequirement } from './safe-requirement.ts'

const nobody = { devices: 0, telling: 0, newest: null }
const project = { version: '1.4', source: 'versionName in android/app/build.gradle' }

describe('what a release requires when nobody says', () => {
  const choose = (of: object = {}, given = {}) =>
    chooseRequirement(given, { isForAny: false, project: undefined, native: nobody, ...of })

  test("is no later native version than the project's", () => {
    expect(choose({ project })).toEqual({
      requirement: { nativeRange: '<=1.4.0' },
      source: project.source,
      findings: [],
    })
    expect(choose({ project: { ...project, version: 'v2.0.0-beta.2+45' } }).requirement.nativeRange).toBe(
      '<=2.0.0-beta.2',
    )
    expect(choose({ project: { ...project, version: '1.2.3.4' } }).requirement.nativeRange).toBe('<=1.2.3.4')
  })

  test('is no later one than devices run, where the project does not say', () => {
    const { requirement, source } = choose({ native: { devices: 3, telling: 3, newest: '2.0' } })
    expect([requirement, source]).toEqual([{ nativeRange: '<=2.0.0' }, 'the newest that known devices run'])
  })

  test('is nothing for devices that do not tell, as they would get nothing', () => {
    for (const of of [{}, { project }]) {
      const { requirement, findings } = choose({ ...of, native: { devices: 5, telling: 4, newest: '2.0' } })
      expect(requirement).toEqual({})
      expect(findings).toMatchObject([{ severity: 'warning', found: expect.stringContaining('1 of 5 known devices') }])
    }
  })

  test('is nothing when nothing is known, and it says so', () => {
    expect(choose()).toMatchObject({ requirement: {}, findings: [{ check: 'native-range', severity: 'warning' }] })
  })

  test('is told when devices are newer than the project', () => {
    const { requirement, findings } = choose({ project, native: { devices: 1, telling: 1, newest: '2.0' } })
    expect(requirement).toEqual({ nativeRange: '<=1.4.0' })
    expect(findings).toMatchObject([{ severity: 'warning', found: '2.0 on known devices, which is not in <=1.4.0' }])
  })

  test('is left to whoever says something', () => {
    for (const given of [{ minNativeVersion: '1' }, { nativeRange: '*' }, { runtimeVersion: 'r' }]) {
      expect(choose({ project }, given)).toEqual({ requirement: given, source: undefined, findings: [] })
    }
    expect(choose({ project, isForAny: true })).toEqual({ requirement: {}, source: undefined, findings: [] })
  })
})

describe('the version of a project', () => {
  let tool: Tool
  beforeEach(async () => {
    tool = await createTool()
  })
  const read = async (files: Record<string, string>, platform: 'android' | 'ios' | 'web' = 'android') =>
    readProjectNative(await tool.write(files), platform)

  test.each<[string, Record<string, string>, 'android' | 'ios', string]>([
    ['Gradle', { 'android/app/build.gradle': 'defaultConfig {\n versionName "1.2.3"\n}' }, 'android', '1.2.3'],
    ['Gradle in Kotlin', { 'android/app/build.gradle.kts': 'versionName = "1.2.3"' }, 'android', '1.2.3'],
    [
      'Xcode',
      { 'ios/Shop.xcodeproj/project.pbxproj': 'MARKETING_VERSION = 2.1;\nMARKETING_VERSION = 2.1;' },
      'ios',
      '2.1',
    ],
    [
      'Info.plist',
      {
        'ios/Shop.xcodeproj/project.pbxproj': '',
        'ios/Shop/Info.plist': '<key>CFBundleShortVersionString</key>\n\t<string>3.0</string>',
      },
      'ios',
      '3.0',
    ],
    ['Expo', { 'app.json': '\uFEFF{"expo": {"version": "4.0.0"}}' }, 'ios', '4.0.0'],
    [
      'Expo, for the platform',
      { 'app.json': '{"expo": {"version": "4.0.0", "android": {"version": "4.1.0"}}}' },
      'android',
      '4.1.0',
    ],
  ])('comes from %s', async (_case, files, platform, version) => {
    expect(await read(files, platform)).toMatchObject({
      version,
      source: expect.stringContaining(Object.keys(files).at(-1) ?? ''),
    })
  })

  test.each<[string, Record<string, string>]>([
    ['nothing', {}],
    ['a version that is computed', { 'android/app/build.gradle': 'versionName computeVersion()' }],
    ['a version in parts', { 'android/app/build.gradle': 'versionName "1.${minor}"' }],
    ['several flavours', { 'android/app/build.gradle': 'a { versionName "1.0" }\nb { versionName "2.0" }' }],
    ['a comment', { 'android/app/build.gradle': '// versionName "1.0"\n/* versionName "2.0" */' }],
    ['another kind of app.json', { 'app.json': '{"name": "Shop", "version": "1.0"}' }],
    ['broken JSON', { 'app.json': '{' }],
    ['a package', { 'package.json': '{"version": "0.0.1"}' }],
  ])('is not guessed from %s', async (_case, files) => {
    expect(await read(files)).toBeUndefined()
  })
})
