import { execFile } from 'node:child_process'
import { cp, mkdir, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { attempt } from '../attempt.ts'

/** Pinned: what is published later is another client. */
const CLIENT = '@hot-updater/react-native@0.36.3'
export const NO_BUILD = '00000000-0000-0000-0000-000000000000'

const exec = promisify(execFile)

/**
 * The JavaScript of `@hot-updater/react-native` as it is published, in a folder of its own; of React Native there is
 * what it asks for, and no more.
 *
 * @throws MissingTool when it cannot be had
 */
export async function installClient(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true })
  const pack = exec('npm', ['pack', CLIENT, '--silent', '--pack-destination', folder], { cwd: folder, timeout: 60_000 })
  await attempt(CLIENT, pack)
  await exec('tar', ['xzf', 'hot-updater-react-native-0.36.3.tgz'], { cwd: folder })
  const modules = join(folder, 'package/node_modules')
  const core = createRequire(import.meta.url).resolve('@hot-updater/core/package.json')
  await cp(join(core, '..'), join(modules, '@hot-updater/core'), { recursive: true })
  await addModule(modules, 'react-native', 'module.exports = globalThis.reactNativeOfTest')
  await addModule(
    modules,
    'use-sync-external-store/shim/with-selector',
    'exports.useSyncExternalStoreWithSelector = {}',
  )
  return join(folder, 'package/lib/commonjs')
}

async function addModule(modules: string, name: string, code: string): Promise<void> {
  await mkdir(join(modules, name), { recursive: true })
  await writeFile(join(modules, name, 'index.js'), code)
}

interface Answer {
  id: string
  status: string
  shouldForceUpdate: boolean
  updateBundle(): Promise<boolean>
}

export interface Client {
  checkForUpdate(options: object): Promise<Answer | null>
  createDefaultResolver(baseURL: string): object
  notifyAppReady(): { status: string; crashedBundleId?: string }
  getCrashHistory(): string[]
  reload(): Promise<void>
}

/** It is loaded anew, as for every start of an app. */
export function loadClient(client: string, platform: 'android' | 'ios', native: object): Client {
  Object.assign(globalThis, {
    __DEV__: false,
    reactNativeOfTest: {
      Platform: { OS: platform },
      TurboModuleRegistry: { getEnforcing: () => native },
      NativeEventEmitter: class {
        addListener = () => ({ remove: () => undefined })
      },
    },
  })
  const require = createRequire(join(client, 'index.js'))
  for (const path of Object.keys(require.cache)) if (path.includes('/package/')) delete require.cache[path]
  const parts = ['checkForUpdate.js', 'DefaultResolver.js', 'native.js']
  return Object.assign({}, ...parts.map((part) => require(join(client, part)) as object)) as Client
}
