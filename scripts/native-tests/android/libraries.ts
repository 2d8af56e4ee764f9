import { RUNTIME, type Libraries } from '../../real-clients/android/libraries.ts'

/** What an app brings along on every phone, and what the engine is compiled with: nothing but Kotlin's own library. */
const KOTLIN: Libraries = { jars: ['org.jetbrains.kotlin:kotlin-stdlib:2.4.21', 'org.jetbrains:annotations:24.0.1'] }

/** What `build.gradle` names, React Native and Android itself. */
const ANDROID: Libraries = {
  archives: ['com.facebook.react:react-android:0.86.0:release'],
  jars: [
    'androidx.annotation:annotation-jvm:1.9.1',
    'com.facebook.infer.annotation:infer-annotation:0.18.0',
    'com.facebook.yoga:proguard-annotations:1.19.0',
    'com.squareup.okhttp3:okhttp:4.12.0',
    'com.squareup.okio:okio-jvm:3.6.0',
    'org.bouncycastle:bcprov-jdk18on:1.81',
    'org.brotli:dec:0.1.2',
    'org.robolectric:android-all:14-robolectric-10818077',
  ],
}

/** Robolectric wants what only Google's own registry has, and does without. */
const WITHOUT = [
  'androidx.test',
  'androidx.test.espresso',
  'org.jetbrains.kotlin',
  'org.robolectric:nativeruntime-dist-compat',
]

const TESTS: Libraries = {
  archives: ['androidx.test:monitor:1.8.0'],
  whole: {
    'com.squareup.okhttp3:mockwebserver:4.12.0': ['com.squareup.okhttp3:okhttp', 'org.jetbrains.kotlin'],
    'junit:junit:4.13.2': [],
    'org.robolectric:robolectric:4.16.1': WITHOUT,
  },
  runtime: RUNTIME,
}

/** What React Native's generator annotates with, and an app has by React Native. */
const GENERATED: Libraries = { jars: ['com.google.code.findbugs:jsr305:3.0.2'] }

/** Each by itself, so that the engine does not see what it must not use. */
export const LIBRARIES = { kotlin: KOTLIN, android: ANDROID, generated: GENERATED, tests: TESTS } as const

/** And the module's spec, which is made. */
export type LibrarySet = keyof typeof LIBRARIES | 'spec'

export const COMPILER: Libraries = { whole: { 'org.jetbrains.kotlin:kotlin-compiler-embeddable:2.4.21': [] } }
