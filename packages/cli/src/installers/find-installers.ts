import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, join, relative, resolve } from 'node:path'
import type { Platform } from '@hotpatch/protocol'
import { parse } from 'yaml'
import { CommandError, UsageError, hasCode } from '../errors/errors.ts'
import { factsOfName } from './file-facts.ts'

/** What of an app's own build was found, and where that says so. */
export interface FoundInstallers {
  /** In words, such as "latest.yml of electron-builder". */
  by: string
  /** Undefined: nothing here says it. */
  version: string | undefined
  paths: readonly string[]
  /** Of those of which the build says it. */
  platforms?: ReadonlyMap<string, Platform>
}

/** More than a release may have. */
const MAX_FILES = 200

/**
 * What lies at these paths that apps are installed from: files by themselves, or what a build has left in a folder.
 * @throws UsageError or CommandError when a file is none of them
 */
export async function findInstallers(paths: readonly string[], cwd: string): Promise<FoundInstallers | undefined> {
  const found: FoundInstallers[] = []
  for (const path of paths.map((each) => resolve(cwd, each))) {
    const isFolder = await isDirectory(path)
    const there = isFolder ? await findInFolder(path) : foundFile(path)
    if (there) found.push(there)
  }
  const [first] = found
  if (!first) return undefined
  const versions = [...new Set(found.flatMap(({ version }) => version ?? []))]
  if (versions.length > 1) {
    throw new UsageError(`Expected one version, found ${versions.join(' and ')}: publish one after the other.`)
  }
  const all = [...new Set(found.flatMap((each) => each.paths))]
  if (all.length > MAX_FILES) throw new UsageError(`Expected at most ${MAX_FILES} files, found ${all.length}.`)
  const platforms = new Map(found.flatMap(({ platforms: told = new Map<string, Platform>() }) => [...told]))
  return { by: [...new Set(found.map(({ by }) => by))].join('; '), version: versions[0], paths: all, platforms }
}

function foundFile(path: string): FoundInstallers | undefined {
  return factsOfName(basename(path)) && { by: 'the ending of its name', version: undefined, paths: [path] }
}

async function findInFolder(folder: string): Promise<FoundInstallers | undefined> {
  for (const find of [findElectron, findTauri, findFlutter]) {
    const found = await find(folder)
    if (found) return found
  }
  return undefined
}

/** electron-builder writes, beside what it builds, what its updater is to read. */
async function findElectron(folder: string): Promise<FoundInstallers | undefined> {
  const names = (await namesIn(folder)).filter((name) => /^(?:latest|alpha|beta)(?:-[\w-]+)?\.yml$/.test(name))
  const described = await Promise.all(
    names.map(async (name) => ({ name, ...filesToldBy(await readYaml(join(folder, name))) })),
  )
  const versions = [...new Set(described.flatMap(({ version }) => version ?? []))]
  if (names.length === 0) return undefined
  const platforms = new Map(
    described.flatMap(({ name, urls }) =>
      urls
        .filter((url) => factsOfName(url))
        .map((url) => [join(folder, basename(url)), platformOfChannelFile(name)] as const),
    ),
  )
  const paths = [...platforms.keys()]
  const missing = await missingOf(paths)
  if (missing !== undefined) {
    const message = `${names.join(', ')} names ${basename(missing)}, and ${folder} has no such file: build it anew.`
    throw new CommandError('bundle-missing', message)
  }
  if (versions.length > 1) throw new UsageError(`Expected one version in ${folder}, found ${versions.join(' and ')}.`)
  return { by: `${names.join(', ')} of electron-builder`, version: versions[0], paths, platforms }
}

function filesToldBy({ version, files }: Record<string, unknown>) {
  const listed = Array.isArray(files) ? (files as ({ url?: unknown } | null)[]) : []
  return { version: text(version), urls: listed.flatMap((file) => text(file?.url) ?? []) }
}

/** Electron §2. */
function platformOfChannelFile(name: string): Platform {
  if (name.endsWith('-mac.yml')) return 'macos'
  return /-linux(?:-[^-]+)?\.yml$/.test(name) ? 'linux' : 'windows'
}

async function findTauri(folder: string): Promise<FoundInstallers | undefined> {
  for (const root of [folder, join(folder, 'src-tauri')]) {
    const config = await readJson(join(root, 'tauri.conf.json'))
    if (!config) continue
    const own = (config.package as { version?: unknown } | undefined)?.version
    const paths = await installersBelow(join(root, 'target', 'release', 'bundle'))
    return { by: 'tauri.conf.json', version: text(config.version) ?? text(own), paths }
  }
  return undefined
}

const FLUTTER_OUTPUTS = [
  'build/app/outputs/flutter-apk',
  'build/app/outputs/bundle/release',
  'build/ios/ipa',
  'build/windows/installer',
]

async function findFlutter(folder: string): Promise<FoundInstallers | undefined> {
  const path = join(folder, 'pubspec.yaml')
  if (!(await isThere(path))) return undefined
  const { version } = await readYaml(path)
  const outputs = await Promise.all(FLUTTER_OUTPUTS.map((output) => installersBelow(join(folder, output))))
  const paths = outputs.flat().filter((each) => !/-(?:debug|profile)\./.test(each))
  return { by: 'pubspec.yaml', version: text(version), paths }
}

/** Of a folder and those directly in it. */
async function installersBelow(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true }).catch(() => [])
  return names
    .filter((name) => relative('', name).split('/').length <= 2 && factsOfName(basename(name)))
    .map((name) => join(folder, name))
    .toSorted()
}

async function missingOf(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) if (!(await isThere(path))) return path
  return undefined
}

async function readYaml(path: string): Promise<Record<string, unknown>> {
  try {
    const found: unknown = parse(await readFile(path, 'utf8'), { maxAliasCount: 0 })
    if (typeof found === 'object' && found !== null) return found as Record<string, unknown>
  } catch (cause) {
    throw new CommandError('bundle-invalid', `${path} cannot be read as YAML.`, { cause })
  }
  throw new CommandError('bundle-invalid', `Expected ${path} to have fields, found none.`)
}

async function readJson(path: string): Promise<Record<string, unknown> | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>
  } catch (cause) {
    if (hasCode(cause, 'ENOENT', 'ENOTDIR')) return undefined
    throw new CommandError('bundle-invalid', `${path} cannot be read as JSON.`, { cause })
  }
}

const text = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined)
const namesIn = (folder: string) => readdir(folder).catch(() => [])
const isThere = async (path: string) => (await stat(path).catch(() => undefined)) !== undefined
const isDirectory = async (path: string) => (await stat(path).catch(() => undefined))?.isDirectory() ?? false
