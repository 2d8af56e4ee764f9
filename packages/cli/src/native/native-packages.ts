import { dirname, join } from 'node:path'

/** By their names alone: what these scopes publish belongs to the shell, or to the tool that makes it. */
const NATIVE_SCOPE = /^@(?:capacitor|capgo|capawesome)[^/]*\//
/** Such as capacitor-native-settings, @acme/capacitor-scanner or cordova-plugin-file. */
const NATIVE_WORD = /(?:^|[/_.-])(?:capacitor|cordova)(?:[_.-]|$)/
/** Has the word in its name, and no native code. */
const WEB_ONLY = new Set(['@hotpatch/capacitor'])

const MAX_MANIFEST_CHARACTERS = 1_000_000

/**
 * Whether a dependency has code that goes into the app's shell. An installed package says so itself, in the fields that
 * Capacitor looks for; one that is not installed is known by its name.
 */
export async function isNativePackage(name: string, projectDirectory: string): Promise<boolean> {
  if (WEB_ONLY.has(name)) return false
  if (NATIVE_SCOPE.test(name)) return true
  const manifest = await readInstalled(name, projectDirectory)
  if (manifest) return 'capacitor' in manifest || 'cordova' in manifest
  return NATIVE_WORD.test(name)
}

/** As Node finds it: in node_modules of the folder, or of one above. */
async function readInstalled(name: string, directory: string): Promise<object | undefined> {
  // A dependency's name comes from a file of the repository: it leads nowhere else.
  if (!/^(?:@[\w.~-]+\/)?[\w.~-]+$/.test(name) || name.includes('..')) return undefined
  try {
    const text = await readPlainText(join(directory, 'node_modules', name, 'package.json'))
    const json: unknown = text.length > MAX_MANIFEST_CHARACTERS ? undefined : JSON.parse(text)
    return typeof json === 'object' && json !== null ? json : undefined
  } catch {
    const parent = dirname(directory)
    return parent === directory ? undefined : readInstalled(name, parent)
  }
}
import { readPlainText } from '../files/read-plain-text.ts'
