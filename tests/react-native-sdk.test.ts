import { appendFile, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createContext, runInContext } from 'node:vm'
import type { Ota } from '@hotpatch/react-native'
import { createScriptedDevice, type ScriptedDevice } from '@hotpatch/react-native/testing'
import { makeTemporaryDirectory } from '@hotpatch/testkit'
import { beforeAll, describe, expect, test } from 'vitest'
import { ROOT, runNode } from './packed-packages.ts'
import { copyReactNativeApp } from './react-native-app.ts'

const INSTALLED = join(ROOT, 'examples/react-native/node_modules')

/** The SDK with the real React Native, which `npm test` installs. */
describe.skipIf(process.env.HOTPATCH_EXAMPLE_READY !== '1')('the SDK in a React Native app', () => {
  let directory: string
  let bundle: string

  beforeAll(async () => {
    directory = await makeTemporaryDirectory()
    bundle = await bundleForNobody(directory)
  })

  test('it compiles against the types of React Native, and so does the example', async () => {
    const types = join(INSTALLED, '@types/react')
    const compilerOptions = {
      lib: ['ES2023'],
      types: [],
      jsx: 'react-native',
      module: 'preserve',
      moduleResolution: 'bundler',
      paths: {
        'react-native': [join(INSTALLED, 'react-native/types_generated/index.d.ts')],
        react: [join(types, 'index.d.ts')],
        'react/jsx-runtime': [join(types, 'jsx-runtime.d.ts')],
        '@hotpatch/react-native': [join(ROOT, 'packages/react-native/src/index.ts')],
      },
    }
    const files = ['packages/react-native/src/index.ts', 'examples/react-native/src/App.tsx']
    const config = join(directory, 'tsconfig.json')
    const project = {
      extends: join(ROOT, 'tsconfig.base.json'),
      compilerOptions,
      files: files.map((file) => join(ROOT, file)),
    }
    await writeFile(config, JSON.stringify(project))
    await runNode([join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', config], { cwd: directory })
  })

  test.each(['new', 'old'] as const)('on the %s architecture it speaks to its native half', async (architecture) => {
    const device = createScriptedDevice()
    const { OTA, emit, listened } = await runApp(bundle, architecture, device)
    device.native.listen((event) => emit(JSON.stringify(event)))
    expect(OTA.current()).toEqual({ releaseId: null, version: '1.0.0' })

    OTA.configure({ apiUrl: 'https://updates.example.com', appId: 'a', checkOnLaunch: false, confirm: 'manual' })
    expect(listened).toEqual(['HotPatchEvent'])
    device.offer({ releaseId: 'r1', version: '1.1.0', sizeBytes: 400 })
    const seen: number[] = []
    const outcome = await OTA.download({ onProgress: ({ receivedBytes }) => seen.push(receivedBytes) })
    expect(outcome).toMatchObject({ kind: 'staged', releaseId: 'r1' })
    expect(seen).toEqual([100, 200, 300, 400])
    expect(await OTA.apply()).toBe(true)
    expect(OTA.current().version).toBe('1.1.0')
    expect(device.configuration).toMatchObject({ appId: 'a' })
  })

  test('without its native half it is harmless', async () => {
    const { OTA, warnings } = await runApp(bundle, 'new', null)
    OTA.configure({ apiUrl: 'https://updates.example.com', appId: 'a' })
    expect(await OTA.sync()).toEqual({ kind: 'unavailable', reason: 'native-module-missing' })
    expect(warnings).toEqual([expect.stringMatching(/Build the app again/)])
  })
})

/** An app that shows nothing: the SDK and what it uses of React Native, bundled by Metro as the example says. */
async function bundleForNobody(directory: string): Promise<string> {
  const app = await copyReactNativeApp(directory)
  const entry = `
    import { OTA } from '@hotpatch/react-native'
    import { DeviceEventEmitter } from 'react-native'
    globalThis.OTA = OTA
    globalThis.emit = (body) => DeviceEventEmitter.emit('HotPatchEvent', body)`
  await writeFile(join(app, 'nobody.js'), entry)
  // What prepares an engine for screens is not needed, and wants all of a phone.
  const nothingBefore =
    'module.exports.serializer = { ...module.exports.serializer, getModulesRunBeforeMainModule: () => [] }'
  await appendFile(join(app, 'metro.config.js'), `\n${nothingBefore}\n`)
  const output = join(directory, 'nobody.bundle')
  const args = [
    'bundle',
    '--platform',
    'android',
    '--dev',
    'false',
    '--entry-file',
    'nobody.js',
    '--bundle-output',
    output,
  ]
  const bundler = join(INSTALLED, '@react-native-community/cli/build/bin.js')
  await runNode([bundler, ...args], { cwd: app, env: { TMPDIR: directory, CI: 'true' } })
  return readFile(output, 'utf8')
}

/** The globals by which React Native finds native modules: one function, or an object that has them all. */
async function runApp(bundle: string, architecture: 'new' | 'old', device: ScriptedDevice | null) {
  const listened: string[] = []
  const warnings: string[] = []
  const modules: Record<string, object> = {
    PlatformConstants: { getConstants: () => ({ reactNativeVersion: { major: 0, minor: 88, patch: 1 } }) },
    ...(device && { HotPatch: moduleOf(device, listened) }),
  }
  const app: Record<string, unknown> = {
    console: { ...console, warn: (message: string) => warnings.push(message) },
    setTimeout,
    clearTimeout,
    queueMicrotask,
  }
  app.global = app.window = app
  if (architecture === 'new') {
    app.RN$Bridgeless = true
    app.__turboModuleProxy = (name: string) => modules[name] ?? null
    app.nativeModuleProxy = {}
  } else {
    app.nativeModuleProxy = modules
  }
  runInContext(bundle, createContext(app))
  const { OTA, emit } = app as unknown as { OTA: Ota; emit: (body: string) => void }
  return { OTA, emit, listened, warnings }
}

/** As Kotlin and Swift are it: texts in, texts out. */
function moduleOf({ native }: ScriptedDevice, listened: string[]): object {
  const text = async (answer: Promise<unknown>) => JSON.stringify(await answer)
  return {
    ...native,
    status: () => JSON.stringify(native.status()),
    configure: (configuration: string) => text(native.configure(JSON.parse(configuration) as object)),
    check: () => text(native.check()),
    download: () => text(native.download()),
    sync: () => text(native.sync()),
    setChannel: (channel: string | null) => text(native.setChannel(channel)),
    addListener: (name: string) => listened.push(name),
    removeListeners: () => undefined,
  }
}
