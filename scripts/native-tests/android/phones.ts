import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { FOLDER, run } from '../../real-clients/android/command.ts'
import { exists } from '../../real-clients/android/unpack-package.ts'
import {
  NATIVE_PHONE,
  REACT_NATIVE_STUBS,
  startNativePhones,
  type NativeState,
} from '../../real-clients/react-native/native-phones.ts'
import { ANDROID, compileModules, fetchAll } from './compile.ts'

export interface HotPatchState extends NativeState {
  status: Record<string, unknown>
}

const HERE = fileURLToPath(new URL('phone/', import.meta.url))
const KEPT = join(FOLDER, 'react-native-android')

/** Phones with an app that has @hotpatch/react-native, of which the native half is here. */
export async function startHotPatchPhones(options: { bundle: string; javaOptions: readonly string[]; name: string }) {
  const { jars, runtime } = await fetchAll()
  const compiled = await compileModules(['reactnative'], { android: ANDROID, jars })
  const libraries = [...compiled.values(), ...Object.values(jars).flat()]
  const path = [await compilePhone(libraries), ...libraries]
  const client = { classPath: path.join(':'), runtime, folder: KEPT }
  return startNativePhones<HotPatchState>(client, { app: 'HotPatchApp', ...options })
}

/** In Java: once, and again when something changed. */
async function compilePhone(libraries: readonly string[]): Promise<string> {
  const sources: string[] = []
  for (const folder of [REACT_NATIVE_STUBS, NATIVE_PHONE, HERE]) {
    const names = await readdir(folder, { recursive: true })
    sources.push(...names.filter((name) => name.endsWith('.java')).map((name) => join(folder, name)))
  }
  const hash = createHash('sha256').update(libraries.join(':'))
  for (const source of sources.sort()) hash.update(await readFile(source))
  const classes = join(KEPT, 'classes', `phone-${hash.digest('hex').slice(0, 16)}`)
  if (await exists(classes)) return classes
  const into = await mkdtemp(join(KEPT, 'classes', 'work-'))
  await run('javac', ['-nowarn', '-proc:none', '-d', into, '-cp', libraries.join(':'), ...sources])
  await rename(into, classes).catch(async (error: unknown) => {
    await rm(into, { recursive: true, force: true })
    // Somebody else may have had the same in the meantime.
    if (!(await exists(classes))) throw error
  })
  return classes
}
