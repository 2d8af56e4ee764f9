import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { attempt } from '../../real-clients/attempt.ts'
import { FOLDER, run } from '../../real-clients/android/command.ts'
import { fetchLibraries } from '../../real-clients/android/libraries.ts'
import { exists } from '../../real-clients/android/unpack-package.ts'
import { COMPILER, LIBRARIES, type LibrarySet } from './libraries.ts'
import { withKnown, type Module } from './modules.ts'
import { compileSpec } from './spec.ts'

/** What `build.gradle` is in. */
export const ANDROID = fileURLToPath(new URL('../../../packages/react-native/android', import.meta.url))
const CLASSES = join(FOLDER, 'react-native-android', 'classes')
const JAVA = fileURLToPath(new URL('java/', import.meta.url))
/** Classes that nobody has asked for in all this time go. */
const KEPT_DAYS = 7

export type JarsOf = Readonly<Record<LibrarySet, readonly string[]>>

/** @throws MissingTool */
export async function fetchAll(): Promise<{ jars: JarsOf; runtime: string }> {
  const folder = (name: string) => join(FOLDER, 'react-native-android', name)
  const found: Partial<Record<LibrarySet, string[]>> = {}
  for (const name of ['kotlin', 'android', 'generated', 'tests'] as const) {
    await attempt(`libraries (${name})`, fetchLibraries(folder(name), LIBRARIES[name]))
    found[name] = await jarsIn(folder(name))
  }
  found.spec = [await compileSpec(CLASSES, [...(found.android ?? []), ...(found.generated ?? [])])]
  await attempt("Kotlin's compiler", fetchLibraries(join(FOLDER, 'kotlin'), COMPILER))
  return { jars: found as JarsOf, runtime: join(folder('tests'), 'runtime') }
}

async function jarsIn(fetched: string): Promise<string[]> {
  const names = (await readdir(join(fetched, 'libraries'))).sort()
  return Promise.all(
    names.map(async (name) => {
      const path = join(fetched, 'libraries', name)
      if (!name.endsWith('.aar')) return path
      const jar = join(fetched, 'archives', basename(name, '.aar'), 'classes.jar')
      if (!(await exists(jar))) await takeClasses(path, jar)
      return jar
    }),
  )
}

/** Whole or not at all: others may be at it, too. */
async function takeClasses(archive: string, jar: string): Promise<void> {
  await mkdir(dirname(jar), { recursive: true })
  const taking = await mkdtemp(join(dirname(jar), 'taking-'))
  await run('unzip', ['-qod', taking, archive, 'classes.jar'])
  await rename(join(taking, 'classes.jar'), jar)
  await rm(taking, { recursive: true })
}

interface Compiled {
  module: Module
  digest: string
  folder: string
}

/**
 * Compiles what changed of the modules and of what they know, all in one process.
 * @param android the folder that `build.gradle` is in
 * @returns the folders of their classes, by name
 */
export async function compileModules(
  names: readonly string[],
  { android, jars }: { android: string; jars: JarsOf },
): Promise<Map<string, string>> {
  const done = new Map<string, Compiled>()
  const stale: { compiled: Compiled; sources: string[] }[] = []
  for (const module of withKnown(names)) {
    const sources = await sourcesOf(join(android, module.folder))
    const known = module.knows.flatMap((name) => done.get(name)?.digest ?? [])
    const compiled = await place(module, { android, sources, known, jars })
    done.set(module.name, compiled)
    if (await exists(compiled.folder)) await utimes(compiled.folder, new Date(), new Date())
    else if (sources.length === 0) await mkdir(compiled.folder, { recursive: true })
    else stale.push({ compiled, sources })
  }
  if (stale.length > 0) await compile(stale, { done, jars })
  await forgetOld()
  return new Map(Array.from(done, ([name, { folder }]) => [name, folder]))
}

async function sourcesOf(folder: string): Promise<string[]> {
  const found = await readdir(folder, { recursive: true }).catch(() => [])
  const names = found.filter((name) => name.endsWith('.kt')).sort()
  return names.map((name) => join(folder, name))
}

async function place(
  module: Module,
  { android, sources, known, jars }: { android: string; sources: string[]; known: string[]; jars: JarsOf },
): Promise<Compiled> {
  const libraries = module.libraries.flatMap((name) => jars[name])
  const hash = createHash('sha256').update(JSON.stringify([COMPILER, module, optionsOf(module), libraries, known]))
  for (const path of sources) hash.update(path.slice(android.length)).update(await readFile(path))
  const digest = hash.digest('hex').slice(0, 16)
  return { module, digest, folder: join(CLASSES, `${module.name}-${digest}`) }
}

function optionsOf({ name, java }: Module): string[] {
  // The language of the Kotlin that React Native's own apps are compiled with.
  const language = ['-language-version', '2.1', '-api-version', '2.1', '-Xsuppress-version-warnings']
  const target = java === 8 ? '1.8' : String(java)
  return [
    ...language,
    '-no-stdlib',
    '-no-reflect',
    '-jvm-target',
    target,
    `-Xjdk-release=${target}`,
    '-module-name',
    name,
  ]
}

async function compile(
  stale: readonly { compiled: Compiled; sources: string[] }[],
  { done, jars }: { done: ReadonlyMap<string, Compiled>; jars: JarsOf },
): Promise<void> {
  await mkdir(CLASSES, { recursive: true })
  const work = await mkdtemp(join(CLASSES, 'work-'))
  try {
    // What is compiled in this run lies in `work` until all of it is there: one module may need another.
    const folders = new Map(Array.from(done.values(), ({ module, folder }) => [module.name, folder]))
    for (const { compiled } of stale) folders.set(compiled.module.name, join(work, compiled.module.name))
    const orders: string[] = []
    for (const { compiled, sources } of stale) {
      const { module } = compiled
      const known = withKnown([module.name]).flatMap(({ name }) =>
        name === module.name ? [] : [folders.get(name) ?? ''],
      )
      const path = [...known, ...module.libraries.flatMap((name) => jars[name])]
      const friends = known.length > 0 ? [`-Xfriend-paths=${known.join(',')}`] : []
      const into = folders.get(module.name) ?? ''
      const order = join(work, `${module.name}.args`)
      await writeFile(
        order,
        [...optionsOf(module), ...friends, '-d', into, '-cp', path.join(':'), ...sources].join('\n'),
      )
      orders.push(order)
    }
    console.log(`compiling ${stale.map(({ compiled }) => compiled.module.name).join(', ')}`)
    const compiler = await jarsIn(join(FOLDER, 'kotlin'))
    const jvm = ['-Xmx700m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-cp', compiler.join(':')]
    const { stderr } = await run('java', [...jvm, join(JAVA, 'CompileKotlin.java'), ...orders]).catch(refuse)
    if (stderr.trim()) console.log(stderr.trim())
    for (const { compiled } of stale) await keep(join(work, compiled.module.name), compiled.folder)
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

function refuse(error: unknown): never {
  const { stderr = '', stdout = '' } = error as { stderr?: string; stdout?: string }
  throw new Error(`It does not compile:\n${stdout}${stderr}`.trim())
}

/** Somebody else may have had the same in the meantime. */
async function keep(from: string, to: string): Promise<void> {
  await rename(from, to).catch(async (error: unknown) => {
    if (!(await exists(to))) throw error
  })
}

async function forgetOld(): Promise<void> {
  const oldest = Date.now() - KEPT_DAYS * 24 * 60 * 60 * 1000
  for (const name of await readdir(CLASSES)) {
    const path = join(CLASSES, name)
    const found = await stat(path).catch(() => undefined) // another run may have taken it away
    if (found && found.mtimeMs < oldest) await rm(path, { recursive: true, force: true })
  }
}

/** What runs the tests, compiled once. @returns the folder of its classes */
export async function compileRunner(jars: JarsOf): Promise<string> {
  const source = join(JAVA, 'RunTests.java')
  const digest = createHash('sha256')
    .update(await readFile(source))
    .digest('hex')
    .slice(0, 16)
  const folder = join(CLASSES, `runner-${digest}`)
  if (await exists(folder)) return folder
  await mkdir(CLASSES, { recursive: true })
  const into = await mkdtemp(join(CLASSES, 'work-'))
  await run('javac', ['-proc:none', '-d', into, '-cp', jars.tests.join(':'), source])
  await keep(into, folder)
  return folder
}
