import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { FOLDER, run } from '../android/command.ts'
import { unpackPackage } from '../android/unpack-package.ts'
import { attempt } from '../attempt.ts'
import { EXPO_UPDATES } from './client-classes.ts'

const BRIDGE = fileURLToPath(new URL('native/bspatch-bridge.c', import.meta.url))

/**
 * What applies patches in the client, its C as it is published with the bzip2 beside it, compiled for this machine.
 * @returns the folder in which Java finds it
 * @throws MissingTool without a C compiler
 */
export async function nativePatcher(): Promise<string> {
  const from = await attempt(`expo-updates ${EXPO_UPDATES}`, unpackPackage('expo-updates', EXPO_UPDATES))
  const into = join(FOLDER, 'expo', 'native')
  await mkdir(into, { recursive: true })
  const bzip2 = join(from, 'android/src/main/cpp/third-party/bzip2')
  const sources = (await readdir(bzip2)).filter((name) => name.endsWith('.c')).map((name) => join(bzip2, name))
  const headers = join(await javaHome(), 'include')
  const included = [bzip2, headers, join(headers, 'linux'), join(headers, 'darwin')].map((folder) => `-I${folder}`)
  const name = process.platform === 'darwin' ? 'libexpo-updates.dylib' : 'libexpo-updates.so'
  const all = [BRIDGE, join(from, 'vendor/bspatch/bspatch.c'), ...sources]
  const compiled = run('cc', ['-shared', '-fPIC', '-O1', '-w', ...included, '-o', join(into, name), ...all])
  await attempt("the client's bspatch, compiled", compiled)
  return into
}

async function javaHome(): Promise<string> {
  const { stderr } = await run('java', ['-XshowSettings:properties', '-version'])
  return /java\.home = (.*)/.exec(stderr)?.[1]?.trim() ?? ''
}
