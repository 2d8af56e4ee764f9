import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { clientClasses, type ClientClasses } from '../android/client-classes.ts'
import { unpackPackage } from '../android/unpack-package.ts'
import { attempt } from '../attempt.ts'
import { NATIVE_PHONE, REACT_NATIVE, REACT_NATIVE_STUBS } from '../react-native/native-phones.ts'

/** Where the Java of each is. `react-native-code-push` 9.0.1 wants an older React Native. */
export const ANDROID_PLUGINS = {
  '@code-push-next/react-native-code-push': { version: '10.4.2', java: 'android/app/src/main/java' },
  '@revopush/react-native-code-push': { version: '1.6.0', java: 'android/src/main/java' },
} as const

const here = fileURLToPath(new URL('.', import.meta.url))

/**
 * All Java of a plugin of CodePush's kind, with the phone.
 *
 * @throws MissingTool when the packages or libraries cannot be had
 */
export async function codePushClasses(plugin: keyof typeof ANDROID_PLUGINS): Promise<ClientClasses> {
  const { version, java } = ANDROID_PLUGINS[plugin]
  return clientClasses({
    ...REACT_NATIVE,
    ours: [REACT_NATIVE_STUBS, join(here, 'stubs')],
    phone: [NATIVE_PHONE, join(here, 'phone')],
    collect: async (into) => {
      const from = await attempt(`${plugin} ${version}`, unpackPackage(plugin, version))
      await cp(join(from, java), into, { recursive: true })
    },
  })
}
