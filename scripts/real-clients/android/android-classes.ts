import { createHash } from 'node:crypto'
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CAPACITOR_LIBRARIES, fetchLibraries } from './libraries.ts'
import { resourceClass } from './resource-classes.ts'
import { FOLDER as folder, run } from './command.ts'
import { exists, unpackPackage } from './unpack-package.ts'

export const CAPGO = '8.51.23'
export const CAPAWESOME = '8.4.3'
export const CAPACITOR = '8.5.2'

/** Where the sources are in each package. All of them are compiled, none is changed but as `readable` says. */
const PACKAGES = {
  '@capacitor/android': { version: CAPACITOR, java: 'capacitor/src/main/java' },
  '@capgo/capacitor-updater': { version: CAPGO, java: 'android/src/main/java' },
  '@capawesome/capacitor-live-update': { version: CAPAWESOME, java: 'android/src/main/java' },
}

export interface AndroidClasses {
  classPath: string
  /** The Android that Robolectric runs. */
  runtime: string
  /** The unpacked package. */
  packages: Record<keyof typeof PACKAGES, string>
  /** For what is made at each run. Outside the checkout. */
  folder: string
}

const here = fileURLToPath(new URL('.', import.meta.url))

/**
 * Capacitor for Android and the plugins, compiled from the sources of their packages, with what `extra` is: once, and
 * again when something changed.
 */
export async function androidClasses(extra?: string): Promise<AndroidClasses> {
  await mkdir(folder, { recursive: true })
  const packages = await unpackPackages()
  await fetchLibraries(folder, CAPACITOR_LIBRARIES)
  const sources = await mkdtemp(join(folder, 'sources-'))
  for (const [name, { java }] of Object.entries(PACKAGES)) {
    await cp(join(packages[name as keyof typeof PACKAGES], java), sources, { recursive: true })
  }
  await readable(join(sources, 'ee/forgr/capacitor_updater/DelayUpdateUtils.java'))
  for (const ours of [join(here, 'stubs'), join(here, 'phone'), ...(extra === undefined ? [] : [extra])]) {
    await cp(ours, sources, { recursive: true })
  }
  const libraries = await unpackArchives(sources)
  const classes = await compile(sources, libraries)
  await rm(sources, { recursive: true })
  return { classPath: [classes, ...libraries].join(':'), runtime: join(folder, 'runtime'), packages, folder }
}

async function unpackPackages(): Promise<AndroidClasses['packages']> {
  const unpacked = await Promise.all(
    Object.entries(PACKAGES).map(async ([name, { version }]) => [name, await unpackPackage(name, version)]),
  )
  return Object.fromEntries(unpacked) as AndroidClasses['packages']
}

/** What is in an archive that a class path can have, and its class `R`, as a source. */
async function unpackArchives(sources: string): Promise<string[]> {
  const found = (await readdir(join(folder, 'libraries'))).sort()
  await mkdir(join(folder, 'archives'), { recursive: true })
  const jars = found.filter((name) => name.endsWith('.jar')).map((name) => join(folder, 'libraries', name))
  const unpacked = found
    .filter((name) => name.endsWith('.aar'))
    .map(async (name) => {
      const into = join(folder, 'archives', basename(name, '.aar'))
      await run('unzip', ['-qod', into, join(folder, 'libraries', name)])
      const list = await readFile(join(into, 'R.txt'), 'utf8').catch(() => '')
      const manifest = await readFile(join(into, 'AndroidManifest.xml'), 'utf8')
      const owner = /package="([^"]+)"/.exec(manifest)?.[1]
      if (owner !== undefined && list.trim() !== '') {
        const file = join(sources, owner.replaceAll('.', '/'), 'R.java')
        await mkdir(dirname(file), { recursive: true })
        await writeFile(file, resourceClass(owner, list))
      }
      return join(into, 'classes.jar')
    })
  return [...(await Promise.all(unpacked)), ...jars]
}

async function compile(sources: string, libraries: readonly string[]): Promise<string> {
  const names = (await readdir(sources, { recursive: true })).filter((name) => name.endsWith('.java')).sort()
  const hash = createHash('sha256').update(libraries.join(':'))
  for (const name of names) hash.update(name).update(await readFile(join(sources, name)))
  const classes = join(folder, 'classes', hash.digest('hex').slice(0, 16))
  if (await exists(classes)) return classes
  await writeFile(join(sources, 'list'), names.map((name) => join(sources, name)).join('\n'))
  const into = join(sources, 'classes')
  await run('javac', ['-nowarn', '-proc:none', '-d', into, '-cp', libraries.join(':'), `@${join(sources, 'list')}`])
  await mkdir(dirname(classes), { recursive: true })
  await rename(into, classes)
  return classes
}

/** Its four case labels with the name of the enum are Java 21; an older compiler wants them without. */
async function readable(file: string): Promise<void> {
  const { stdout } = await run('javac', ['-version'])
  if (Number(/\d+/.exec(stdout)?.[0]) >= 21) return
  const text = await readFile(file, 'utf8')
  const labels = text.match(/case DelayUntilNext\./g)?.length
  if (labels !== 4) throw new Error(`${basename(file)} has ${labels} such labels: look at what else became different.`)
  await writeFile(file, text.replaceAll('case DelayUntilNext.', 'case '))
}
