import { createHash } from 'node:crypto'
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { attempt } from '../attempt.ts'
import { FOLDER, run } from './command.ts'
import { fetchLibraries, type Libraries } from './libraries.ts'
import { exists } from './unpack-package.ts'

export interface ClientClasses {
  classPath: string
  /** The Android that Robolectric runs. */
  runtime: string
  /** For what is made at each run. Outside the checkout. */
  folder: string
}

const COMPILER: Libraries = { whole: { 'org.jetbrains.kotlin:kotlin-compiler-embeddable:2.4.21': [] } }
const COMPILER_CLASS = 'org.jetbrains.kotlin.cli.jvm.K2JVMCompiler'

/**
 * A client, compiled from the sources of its packages: once, and again when something changed. Where there is Kotlin
 * among them, Kotlin first, which reads Java's sources, and then Java.
 *
 * @param folder where its libraries are kept, of which clients may have the same
 * @throws MissingTool when the packages or libraries cannot be had
 */
export async function clientClasses({
  folder,
  libraries: wanted,
  ours,
  collect,
  jars = [],
  phone = [],
}: {
  folder: string
  libraries: Libraries
  /** Folders with what of Android and its kind is not there, and with a phone that is of one module with the client. */
  ours: readonly string[]
  /** Copies the client's sources into a folder. */
  collect: (into: string) => Promise<void>
  /** What a client brings along. */
  jars?: readonly string[]
  /** Folders with a phone in Java, by itself: a change there compiles no client anew. */
  phone?: readonly string[]
}): Promise<ClientClasses> {
  await mkdir(folder, { recursive: true })
  await attempt('what it is compiled and run with', fetchLibraries(folder, wanted))
  const libraries = [...(await jarsOf(folder)), ...jars]
  const own = await compile(folder, libraries, async (into) => {
    await collect(into)
    for (const each of ours) await cp(each, into, { recursive: true })
  })
  const path = [own, ...libraries]
  if (phone.length > 0) {
    const classes = await compile(folder, path, async (into) => {
      for (const each of phone) await cp(each, into, { recursive: true })
    })
    path.unshift(classes)
  }
  return { classPath: path.join(':'), runtime: join(folder, 'runtime'), folder }
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

async function compile(
  folder: string,
  libraries: readonly string[],
  collect: (into: string) => Promise<void>,
): Promise<string> {
  const sources = await mkdtemp(join(folder, 'sources-'))
  try {
    await collect(sources)
    const names = (await readdir(sources, { recursive: true })).filter((name) => /\.(java|kt)$/.test(name)).sort()
    const hash = createHash('sha256').update([...libraries, JSON.stringify(COMPILER)].join(':'))
    for (const name of names) hash.update(name).update(await readFile(join(sources, name)))
    const classes = join(folder, 'classes', hash.digest('hex').slice(0, 16))
    if (await exists(classes)) return classes
    const into = join(sources, 'classes')
    if (names.some((name) => name.endsWith('.kt'))) await compileKotlin(sources, into, libraries)
    const java = names.filter((name) => name.endsWith('.java')).map((name) => join(sources, name))
    const path = [into, ...libraries].join(':')
    await run('javac', ['-nowarn', '-proc:none', '-d', into, '-cp', path, ...java])
    await mkdir(dirname(classes), { recursive: true })
    await rename(into, classes)
    return classes
  } finally {
    await rm(sources, { recursive: true, force: true })
  }
}

async function compileKotlin(sources: string, into: string, libraries: readonly string[]): Promise<void> {
  const compiler = join(FOLDER, 'kotlin')
  await attempt("Kotlin's compiler", fetchLibraries(compiler, COMPILER))
  const jvm = ['-Xmx1500m', '-XX:+UseSerialGC', '-cp', (await jarsOf(compiler)).join(':'), COMPILER_CLASS]
  const kotlin = ['-nowarn', '-no-stdlib', '-no-reflect', '-java-parameters', '-jvm-target', '17']
  await run('java', [...jvm, ...kotlin, '-d', into, '-cp', libraries.join(':'), sources])
}
