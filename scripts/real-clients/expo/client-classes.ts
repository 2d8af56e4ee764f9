import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { clientClasses, type ClientClasses } from '../android/client-classes.ts'
import { FOLDER } from '../android/command.ts'
import { RUNTIME, type Libraries } from '../android/libraries.ts'
import { unpackPackage } from '../android/unpack-package.ts'
import { attempt } from '../attempt.ts'

export const EXPO_UPDATES = '57.0.24'

const ROBOLECTRIC = ['androidx.test', 'androidx.test.espresso', 'org.robolectric:nativeruntime-dist-compat']
const LIBRARIES: Libraries = {
  archives: ['androidx.test:monitor:1.8.0'],
  jars: ['androidx.annotation:annotation-jvm:1.9.1', 'org.robolectric:android-all:14-robolectric-10818077'],
  whole: {
    'com.squareup.okhttp3:okhttp:4.12.0': ['org.jetbrains.kotlin'],
    'junit:junit:4.13.2': [],
    'net.bytebuddy:byte-buddy:1.17.7': [],
    'org.brotli:dec:0.1.2': [],
    'org.jetbrains.kotlin:kotlin-stdlib:2.4.21': [],
    'org.jetbrains.kotlinx:kotlinx-coroutines-android:1.10.2': ['org.jetbrains.kotlin'],
    'org.robolectric:robolectric:4.16.1': [...ROBOLECTRIC, 'org.jetbrains.kotlin'],
    'org.xerial:sqlite-jdbc:3.50.3.0': [],
  },
  runtime: RUNTIME,
}

const SOURCES = 'android/src/main/java'
const CORE = 'expo/modules/core'
const UPDATES = 'expo/modules/updates'

/** What of each package is taken, and what of that is left: what draws, and what JavaScript calls. */
const PACKAGES: Record<string, { version: string; parts?: readonly string[]; without?: readonly string[] }> = {
  'expo-updates': {
    version: EXPO_UPDATES,
    without: [`${UPDATES}/UpdatesModule.kt`, `${UPDATES}/UpdatesPackage.kt`, `${UPDATES}/reloadscreen`],
  },
  'expo-structured-headers': { version: '57.0.1' },
  'expo-manifests': { version: '57.0.2' },
  'expo-json-utils': { version: '57.0.2' },
  'expo-updates-interface': { version: '57.0.2' },
  'expo-eas-client': { version: '57.0.4', without: ['expo/modules/easclient/EASClientModule.kt'] },
  'expo-modules-core': {
    version: '57.0.26',
    parts: [
      `${CORE}/logging`,
      `${CORE}/errors/CodedRuntimeException.java`,
      `${CORE}/errors/InvalidArgumentException.java`,
      `${CORE}/interfaces/CodedThrowable.java`,
    ],
  },
}

const here = fileURLToPath(new URL('.', import.meta.url))

/**
 * Expo's client, compiled from the sources of its packages, with the stubs and the phone.
 *
 * @throws MissingTool when the packages or libraries cannot be had
 */
export async function expoClasses(): Promise<ClientClasses> {
  const ours = ['stubs', 'phone'].map((name) => join(here, name))
  return clientClasses({ folder: join(FOLDER, 'expo'), libraries: LIBRARIES, ours, collect })
}

async function collect(into: string): Promise<void> {
  for (const [name, { version, parts = ['.'], without = [] }] of Object.entries(PACKAGES)) {
    const from = join(await attempt(`${name} ${version}`, unpackPackage(name, version)), SOURCES)
    for (const part of parts) await cp(join(from, part), join(into, part), { recursive: true })
    for (const part of without) await rm(join(into, part), { recursive: true })
  }
}
