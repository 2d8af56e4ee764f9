import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { clientClasses, type ClientClasses } from '../android/client-classes.ts'
import { unpackPackage } from '../android/unpack-package.ts'
import { attempt } from '../attempt.ts'
import { NATIVE_PHONE, REACT_NATIVE, REACT_NATIVE_STUBS } from '../react-native/native-phones.ts'

const CLIENT = { name: '@hot-updater/react-native', version: '0.36.3' }
/** All that an app of React Native's new architecture has of it. */
const KOTLIN = ['android/src/main/java', 'android/src/newarch']
/** Its own, which no registry has. */
const BROTLI = 'android/libs/hot-updater-brotli-dec-1.2.0.jar'

const here = fileURLToPath(new URL('.', import.meta.url))

/**
 * All Kotlin of hot-updater's plugin, with the phone.
 *
 * @throws MissingTool when the packages or libraries cannot be had
 */
export async function hotUpdaterClasses(): Promise<ClientClasses> {
  const from = await attempt(CLIENT.name, unpackPackage(CLIENT.name, CLIENT.version))
  return clientClasses({
    ...REACT_NATIVE,
    jars: [join(from, BROTLI)],
    ours: [REACT_NATIVE_STUBS, join(here, 'stubs')],
    phone: [NATIVE_PHONE, join(here, 'phone')],
    collect: async (into) => {
      for (const part of KOTLIN) await cp(join(from, part), into, { recursive: true })
    },
  })
}
