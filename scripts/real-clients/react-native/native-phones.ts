import { fileURLToPath } from 'node:url'
import { join } from 'node:path'
import type { ClientClasses } from '../android/client-classes.ts'
import { FOLDER } from '../android/command.ts'
import { RUNTIME, type Libraries } from '../android/libraries.ts'
import { startPhones } from '../android/phones.ts'

const here = fileURLToPath(new URL('.', import.meta.url))
const WITHOUT = ['androidx.test', 'androidx.test.espresso', 'org.robolectric:nativeruntime-dist-compat']

/** React Native as it is published, and what the native halves of plugins are compiled and run with. */
export const REACT_NATIVE = { folder: join(FOLDER, 'react-native'), libraries: libraries() }
/** What of React Native is C++. */
export const REACT_NATIVE_STUBS = join(here, 'stubs')
export const NATIVE_PHONE = join(here, 'phone')

function libraries(): Libraries {
  return {
    archives: [
      'androidx.annotation:annotation-experimental:1.4.1',
      'androidx.test:monitor:1.8.0',
      'com.facebook.react:react-android:0.86.0:release',
    ],
    jars: [
      'androidx.annotation:annotation-jvm:1.9.1',
      'com.facebook.infer.annotation:infer-annotation:0.18.0',
      'com.facebook.yoga:proguard-annotations:1.19.0',
      'org.robolectric:android-all:14-robolectric-10818077',
    ],
    whole: {
      'com.nimbusds:nimbus-jose-jwt:9.37.3': [],
      'com.squareup.okhttp3:okhttp:4.12.0': ['org.jetbrains.kotlin'],
      'junit:junit:4.13.2': [],
      'org.apache.commons:commons-compress:1.27.1': [],
      'org.jetbrains.kotlin:kotlin-stdlib:2.4.21': [],
      'org.jetbrains.kotlinx:kotlinx-coroutines-android:1.10.2': ['org.jetbrains.kotlin'],
      'org.robolectric:robolectric:4.16.1': [...WITHOUT, 'org.jetbrains.kotlin'],
    },
    runtime: RUNTIME,
  }
}

/** What runs in a process of the app, and what its module lets JavaScript read. */
export interface NativeState {
  bundle: string
  [more: string]: unknown
}

/** Phones with an app of React Native, of which the native half is here; its JavaScript is in Node. */
export async function startNativePhones<State extends NativeState>(
  client: ClientClasses,
  { app, javaOptions, name, bundle }: { app: string; javaOptions: readonly string[]; name: string; bundle: string },
) {
  let onEvent: (event: Record<string, unknown>) => void = () => undefined
  const phones = await startPhones(client, {
    app: { id: 'com.example.demo', versionName: '1.0.0', versionCode: 1 },
    assets: { 'index.android.bundle': bundle },
    phoneClass: 'dev.hotpatch.phone.NativePhone',
    javaOptions,
    name,
    onEvent: (event) => onEvent(event),
  })
  return {
    /** A process begins; that before it is gone, with what it had in memory. */
    async start(phone: string, configuration: object, hear: typeof onEvent = () => undefined): Promise<State> {
      onEvent = hear
      return phones.ask<State>({ do: 'start', app: `dev.hotpatch.phone.app.${app}`, phone, configuration })
    },
    state: () => phones.ask<State>({ do: 'state' }),
    call: (method: string, given: readonly unknown[]) => phones.ask<unknown>({ do: 'call', method, given }),
    happen: <Answer>(what: string, more: object = {}) => phones.ask<Answer>({ do: what, ...more }),
    folderOf: phones.folderOf,
    end: phones.end,
  }
}

export type NativePhones<State extends NativeState> = Awaited<ReturnType<typeof startNativePhones<State>>>
