import { globSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { createRequire } from 'node:module'
import { describe, expect, test } from 'vitest'
import { editAppDelegate } from './edit-app-delegate.ts'
import { editMainApplication } from './edit-main-application.ts'
import { excludeResources } from './exclude-resources.ts'
import { readPluginOptions, type PluginOptions } from './native-configuration.ts'
import { writeInfoPlist, writeManifest, writeStrings } from './write-native-configuration.ts'

const CALL = 'dev.hotpatch.reactnative.HotPatch.bundleFile(applicationContext)'
const KEY = `${'A'.repeat(43)}=`

// The lines that matter of what templates make; the newest one is really made in tests/packages.test.ts.
const WITH_HOST = `class MainApplication : Application(), ReactApplication {
  override val reactNativeHost: ReactNativeHost = ReactNativeHostWrapper(
      this,
      object : DefaultReactNativeHost(this) {
        override fun getPackages(): List<ReactPackage> =
            PackageList(this).packages.apply { }
      }
  )

  override val reactHost: ReactHost
    get() = getDefaultReactHost(applicationContext, reactNativeHost)
}
`
const WITH_REACT_HOST = `class MainApplication : Application(), ReactApplication {
  override val reactHost: ReactHost by lazy {
    ExpoReactHostFactory.getDefaultReactHost(
      context = applicationContext,
      packageList =
        PackageList(this).packages.apply {
          // Packages that cannot be autolinked yet (such as ")") can be added manually here, for example:
          // add(MyReactNativePackage())
        }
    )
  }
}
`
const kotlin = (contents: string) => editMainApplication({ language: 'kt', contents })
const swift = (contents: string) => editAppDelegate({ language: 'swift', contents })

describe('gradle.properties', () => {
  const name = 'android.packagingOptions.excludes'
  const line = (value: string) => ({ type: 'property' as const, key: name, value })
  const others = [{ type: 'empty' as const }, { type: 'property' as const, key: 'newArchEnabled', value: 'true' }]

  test('leaves tables that nothing uses out of the app, once', () => {
    const written = excludeResources(others)
    expect(written).toEqual([...others, line('org/bouncycastle/pqc/**')])
    expect(excludeResources(written)).toEqual(written)
  })

  test('leaves out as well what the app did', () => {
    const written = excludeResources([line('/LICENSE, **/notes.txt'), ...others])
    expect(written).toEqual([line('/LICENSE,**/notes.txt,org/bouncycastle/pqc/**'), ...others])
    expect(excludeResources(written)).toEqual(written)
  })

  test('where a name is there twice, the last counts', () => {
    const written = excludeResources([line('/LICENSE'), line('')])
    expect(written).toEqual([line('/LICENSE'), line('org/bouncycastle/pqc/**')])
  })
})

describe('MainApplication', () => {
  test('a ReactNativeHost gets an override', () => {
    expect(kotlin(WITH_HOST)).toBe(
      WITH_HOST.replace(
        'DefaultReactNativeHost(this) {\n',
        `DefaultReactNativeHost(this) {\n        override fun getJSBundleFile(): String? = ${CALL}\n\n`,
      ),
    )
  })

  test('a ReactHost gets an argument, after all others', () => {
    expect(kotlin(WITH_REACT_HOST)).toBe(
      WITH_REACT_HOST.replace('        }\n    )', `        },\n      jsBundleFilePath = ${CALL}\n    )`),
    )
  })

  test.each([
    [
      'getDefaultReactHost(applicationContext, packages)',
      `getDefaultReactHost(applicationContext, packages, jsBundleFilePath = ${CALL})`,
    ],
    ['getDefaultReactHost(a(b("(")),)', `getDefaultReactHost(a(b("(")), jsBundleFilePath = ${CALL})`],
    ['getDefaultReactHost(\n  a,\n)', `getDefaultReactHost(\n  a,\n  jsBundleFilePath = ${CALL}\n)`],
  ])('%j', (before, after) => {
    expect(kotlin(before)).toBe(after)
  })

  test.each([WITH_HOST, WITH_REACT_HOST])('once is as good as twice', (contents) => {
    const once = kotlin(contents)
    expect(kotlin(once)).toBe(once)
    expect(once).not.toBe(contents)
  })

  test.each([
    ['class MainApplication : Application() {}', /found neither.*by hand/],
    [
      WITH_HOST.replace(
        'override fun getPackages',
        'override fun getJSBundleFile(): String = CodePush.getJSBundleFile()\n override fun getPackages',
      ),
      /getJSBundleFile already.*Remove/,
    ],
    ['getDefaultReactHost(a', /found no "\)"/],
  ])('what cannot be edited is said: %#', (contents, message) => {
    expect(() => kotlin(contents)).toThrow(message)
  })

  test('Java is not guessed at', () => {
    expect(() => editMainApplication({ language: 'java', contents: WITH_HOST })).toThrow(/in Kotlin, found one in java/)
  })
})

const APP_DELEGATE = `internal import Expo
import React
import ReactAppDependencyProvider

@main
class AppDelegate: ExpoAppDelegate {}

class ReactNativeDelegate: ExpoReactNativeFactoryDelegate {
  override func bundleURL() -> URL? {
#if DEBUG
    return RCTBundleURLProvider.sharedSettings().jsBundleURL(forBundleRoot: ".expo/.virtual-metro-entry")
#else
    return Bundle.main.url(forResource: "main", withExtension: "jsbundle")
#endif
  }
}
`

describe('AppDelegate', () => {
  test('takes the bundle of HotPatch before the embedded one, and imports it', () => {
    expect(swift(APP_DELEGATE)).toBe(
      APP_DELEGATE.replace('return Bundle.main', 'return HotPatch.bundleURL() ?? Bundle.main').replace(
        'Provider\n',
        'Provider\nimport HotPatch\n',
      ),
    )
  })

  test('once is as good as twice', () => {
    const once = swift(APP_DELEGATE)
    expect(swift(once)).toBe(once)
  })

  test.each([
    ['import React\n', /found it 0 times/],
    [APP_DELEGATE + APP_DELEGATE, /found it 2 times/],
    ['let a = Bundle.main.url(forResource: "main", withExtension: "jsbundle")', /expected an import/],
  ])('what cannot be edited is said: %#', (contents, message) => {
    expect(() => swift(contents)).toThrow(message)
  })

  test('Objective-C is not guessed at', () => {
    expect(() => editAppDelegate({ language: 'objcpp', contents: '' })).toThrow(/found one in objcpp/)
  })
})

describe('what apps really begin with', () => {
  const require = createRequire(import.meta.url)
  const fileIn = (template: string, name: string) => {
    const [path] = globSync(`${dirname(template)}/**/${name}`)
    return readFileSync(path!, 'utf8')
  }

  // The last of those with a ReactNativeHost, and one with a ReactHost alone.
  test.each([
    ['0.81', require.resolve('react-native-template-0.81/package.json'), 'override fun getJSBundleFile(): String? ='],
    ['0.87', require.resolve('react-native-template-0.87/package.json'), 'jsBundleFilePath ='],
  ])('the template of React Native %s can be edited', (_, template, begins) => {
    const before = fileIn(template, 'MainApplication.kt')
    const after = kotlin(before)
    const added = after.split('\n').filter((line) => !before.includes(line))
    expect(added.map((line) => line.trim())).toEqual([`${begins} ${CALL}`])
    const delegate = swift(fileIn(template, 'AppDelegate.swift'))
    expect(delegate).toContain('    HotPatch.bundleURL() ?? Bundle.main.url(forResource: "main"')
    expect(delegate).toMatch(/^import HotPatch$/m)
  })
})

const EVERYTHING: PluginOptions = {
  apiUrl: 'https://updates.example.com',
  appId: '0198c5f0-0000-7000-8000-000000000001',
  appKey: '1234',
  channel: '1.10',
  publicKeys: [KEY, KEY],
  pins: [`*.example.com=sha256/${KEY}`],
  allowInsecure: 'loopback',
  runtimeVersion: '1.10',
  builtAt: true,
  edgeUrl: 'https://cdn.example.com',
  edgeOrder: 'fallback',
}
const NOW = new Date('2027-01-31T12:34:56.789Z')

describe('what the binary says', () => {
  const said = readPluginOptions(EVERYTHING, NOW)

  test('Android: in the manifest, but what it would take for a number is in a resource', () => {
    const before = { $: { 'android:name': 'dev.hotpatch.appKey', 'android:value': 'old' } }
    const other = { $: { 'android:name': 'com.example.other', 'android:value': '1' } }
    const manifest = { manifest: { application: [{ $: {}, 'meta-data': [before, other] }] } }
    for (let times = 0; times < 2; times += 1) writeManifest(manifest, said)
    const items = manifest.manifest.application[0]!['meta-data'].map(({ $ }) => [$['android:name'], $['android:value']])
    expect(items).toEqual([
      ['com.example.other', '1'],
      ['dev.hotpatch.apiUrl', 'https://updates.example.com'],
      ['dev.hotpatch.appId', '0198c5f0-0000-7000-8000-000000000001'],
      ['dev.hotpatch.appKey', '@string/hotpatch_app_key'],
      ['dev.hotpatch.channel', '@string/hotpatch_channel'],
      ['dev.hotpatch.runtimeVersion', '@string/hotpatch_runtime_version'],
      ['dev.hotpatch.publicKeys', `${KEY},${KEY}`],
      ['dev.hotpatch.pins', `*.example.com=sha256/${KEY}`],
      ['dev.hotpatch.allowInsecure', 'loopback'],
      ['dev.hotpatch.builtAt', '2027-01-31T12:34:56Z'],
      ['dev.hotpatch.edgeUrl', 'https://cdn.example.com'],
      ['dev.hotpatch.edgeOrder', 'fallback'],
    ])
  })

  test('Android: the resources, and none that nobody refers to any more', () => {
    const strings = { resources: { string: [{ $: { name: 'app_name' }, _: 'App' }] } }
    for (let times = 0; times < 2; times += 1) writeStrings(strings, said)
    expect(strings.resources.string.map(({ $, _ }) => [$.name, _])).toEqual([
      ['app_name', 'App'],
      ['hotpatch_app_key', '1234'],
      ['hotpatch_channel', '1.10'],
      ['hotpatch_runtime_version', '1.10'],
    ])
    writeStrings(strings, new Map([['channel', `@it's "beta"`]]))
    expect(strings.resources.string.map(({ _ }) => _)).toEqual(['App', String.raw`\@it\'s \"beta\"`])
  })

  test('iOS: one dictionary, as it is now', () => {
    const plist = writeInfoPlist({ CFBundleName: 'App', HotPatch: { appKey: 'old', pins: [] } }, said)
    expect(plist).toEqual({
      CFBundleName: 'App',
      HotPatch: { ...EVERYTHING, builtAt: '2027-01-31T12:34:56Z' },
    })
    expect(writeInfoPlist(plist, new Map())).toEqual({ CFBundleName: 'App' })
  })

  test.each<[object, RegExp]>([
    [{ url: 'https://a' }, /no option "url". Known are apiUrl/],
    [{ channel: 5 }, /channel: expected a text that is not empty, found number/],
    [{ publicKeys: KEY }, /publicKeys: expected a list of texts, found string/],
    [{ publicKeys: Array.from({ length: 21 }, () => KEY) }, /at most 20 keys, found 21/],
    [{ decryptionKeys: ['secret'] }, /decryptionKeys\[0\]: expected base64 of 32 bytes, found something else/],
    [{ pins: [`sha256/${KEY}`] }, /pins\[0\]: expected host=sha256/],
    [{ allowInsecure: 'yes' }, /allowInsecure: expected true, false or "loopback"/],
    [{ builtAt: '31.1.2027' }, /builtAt: expected a time such as/],
    [{ edgeUrl: 'https://cdn.example.com' }, /edgeUrl: expected publicKeys beside it/],
    [{ edgeUrl: 'https://a?secret', publicKeys: [KEY] }, /edgeUrl: expected an address without \? and #, found string/],
    [{ edgeOrder: 'first' }, /edgeOrder: expected edgeUrl beside it, found none/],
    [{ edgeOrder: 'last', edgeUrl: 'https://a' }, /edgeOrder: expected "first" or "fallback", found string/],
  ])('%j is refused at the prebuild, and nothing of it is repeated', (options, message) => {
    const read = () => readPluginOptions(options, NOW)
    expect(read).toThrow(message)
    expect(read).not.toThrow(/secret/)
  })
})
