import { createHash } from 'node:crypto'
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { FOLDER, run } from '../android/command.ts'
import { fetchLibraries, RUNTIME, type Libraries } from '../android/libraries.ts'
import { exists, unpackPackage } from '../android/unpack-package.ts'
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
const COMPILER: Libraries = { whole: { 'org.jetbrains.kotlin:kotlin-compiler-embeddable:2.4.21': [] } }
const COMPILER_CLASS = 'org.jetbrains.kotlin.cli.jvm.K2JVMCompiler'

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

export interface ClientClasses {
  classPath: string
  /** The Android that Robolectric runs. */
  runtime: string
  /** For what is made at each run. Outside the checkout. */
  folder: string
}

const folder = join(FOLDER, 'expo')
const here = fileURLToPath(new URL('.', import.meta.url))

/**
 * Expo's client, compiled from the sources of its packages, with the stubs and the phone: once, and again when something
 * changed.
 *
 * @throws MissingTool when the packages or libraries cannot be had
 */
export async function clientClasses(): Promise<ClientClasses> {
  await mkdir(folder, { recursive: true })
  const compilerFolder = join(folder, 'compiler')
  await attempt('what it is compiled and run with', fetchLibraries(folder, LIBRARIES))
  await attempt("Kotlin's compiler", fetchLibraries(compilerFolder, COMPILER))
  const libraries = await jarsOf(folder)
  const sources = await mkdtemp(join(folder, 'sources-'))
  try {
    await collectSources(sources)
    const classes = await compile(sources, libraries, await jarsOf(compilerFolder))
    return { classPath: [classes, ...libraries].join(':'), runtime: join(folder, 'runtime'), folder }
  } finally {
    await rm(sources, { recursive: true, force: true })
  }
}

async function jarsOf(fetched: string): Promise<string[]> {
  const found = (await readdir(join(fetched, 'libraries'))).sort().map((name) => join(fetched, 'libraries', name))
  return Promise.all(found.map(async (path) => (path.endsWith('.aar') ? unpackArchive(fetched, path) : path)))
}

async function unpackArchive(fetched: string, path: string): Promise<string> {
  const into = join(fetched, 'archives', basename(path, '.aar'))
  await mkdir(into, { recursive: true })
  await run('unzip', ['-qod', into, path, 'classes.jar'])
  return join(into, 'classes.jar')
}

async function collectSources(into: string): Promise<void> {
  for (const [name, { version, parts = ['.'], without = [] }] of Object.entries(PACKAGES)) {
    const from = join(await attempt(`${name} ${version}`, unpackPackage(name, version)), SOURCES)
    for (const part of parts) await cp(join(from, part), join(into, part), { recursive: true })
    for (const part of without) await rm(join(into, part), { recursive: true })
  }
  for (const ours of ['stubs', 'phone']) await cp(join(here, ours), into, { recursive: true })
}

/** Kotlin first, which reads Java's sources, and then Java. */
async function compile(sources: string, libraries: readonly string[], compiler: readonly string[]): Promise<string> {
  const names = (await readdir(sources, { recursive: true })).filter((name) => /\.(java|kt)$/.test(name)).sort()
  const hash = createHash('sha256').update([...libraries, ...compiler].join(':'))
  for (const name of names) hash.update(name).update(await readFile(join(sources, name)))
  const classes = join(folder, 'classes', hash.digest('hex').slice(0, 16))
  if (await exists(classes)) return classes
  const into = join(sources, 'classes')
  const path = libraries.join(':')
  const jvm = ['-Xmx1500m', '-XX:+UseSerialGC', '-cp', compiler.join(':'), COMPILER_CLASS]
  const kotlin = ['-nowarn', '-no-stdlib', '-no-reflect', '-java-parameters', '-jvm-target', '17']
  await run('java', [...jvm, ...kotlin, '-d', into, '-cp', path, sources])
  const java = names.filter((name) => name.endsWith('.java')).map((name) => join(sources, name))
  await run('javac', ['-nowarn', '-proc:none', '-d', into, '-cp', `${into}:${path}`, ...java])
  await mkdir(dirname(classes), { recursive: true })
  await rename(into, classes)
  return classes
}
