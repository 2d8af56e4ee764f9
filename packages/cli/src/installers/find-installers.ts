import { stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import type { Platform } from '@hotpatch/protocol'
import { UsageError } from '../errors/errors.ts'
import { isThere, readJson, readYaml, text } from './described-files.ts'
import { factsOfName } from './file-facts.ts'
import { lookThrough, type OutputFolder } from './output-folders.ts'
import { versionOfTauri } from './tauri-version.ts'
import { findMetadata, findMetadataOf, isUpdaterMetadata } from './updater-metadata.ts'

/** What of an app's own build was found, and where that says so. */
export interface FoundInstallers {
  /** In words, such as "latest.yml of electron-builder". */
  by: string
  /** Undefined: nothing here says it, but for the files themselves. */
  version: string | undefined
  paths: readonly string[]
  /** Of those of which the build says it. */
  platforms?: ReadonlyMap<string, Platform>
  /** Not for users. */
  leftOut?: readonly string[]
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
    const isFolder = (await stat(path).catch(() => undefined))?.isDirectory() ?? false
    found.push(...(isFolder ? await findInFolder(path) : await findFile(path)))
  }
  return joined(found)
}

function joined(found: readonly FoundInstallers[]): FoundInstallers | undefined {
  if (found.length === 0) return undefined
  const versions = [...new Set(found.flatMap(({ version }) => version ?? []))]
  if (versions.length > 1) {
    const said = found.flatMap(({ version, by }) => (version === undefined ? [] : [`${version}, by ${by}`]))
    throw new UsageError(`Expected one version, found ${said.join(' and ')}: publish one after the other.`)
  }
  const all = [...new Set(found.flatMap((each) => each.paths))]
  if (all.length > MAX_FILES) throw new UsageError(`Expected at most ${MAX_FILES} files, found ${all.length}.`)
  const leftOut = [...new Set(found.flatMap((each) => each.leftOut ?? []))]
  const platforms = new Map(found.flatMap((each) => [...(each.platforms ?? [])]))
  const by = [...new Set(found.map((each) => each.by))].join('; ')
  return { by, version: versions[0], paths: all, platforms, leftOut }
}

async function findFile(path: string): Promise<FoundInstallers[]> {
  const name = basename(path)
  if (isUpdaterMetadata(name)) {
    const found = await findMetadata(dirname(path), [name])
    return found ? [found] : []
  }
  if (!factsOfName(name)) return []
  const metadata = await findMetadataOf(path)
  const { by = 'the ending of its name', version, platforms } = metadata ?? {}
  const platform = platforms?.get(path)
  return [{ by, version, paths: [path], ...(platform && { platforms: new Map([[path, platform]]) }) }]
}

/** What a project's own file says of its version, and where its builds go. */
interface BuildTool {
  outputs: readonly OutputFolder[]
  /** Undefined: there is no such project here. */
  find(folder: string): Promise<{ by: string; version: string | undefined } | undefined>
}

const FLUTTER: BuildTool = {
  outputs: [
    { path: 'build/app/outputs', depth: 4 },
    { path: 'build/ios/ipa', depth: 1 },
    { path: 'build/windows/installer', depth: 2 },
  ],
  async find(folder) {
    const project = await readYaml(join(folder, 'pubspec.yaml'))
    return project && { by: 'pubspec.yaml', version: text(project.version) }
  },
}

const tauriIn = (root: string): BuildTool => ({
  outputs: [{ path: join(root, 'target/release/bundle'), depth: 2, withArchives: true }],
  async find(folder) {
    const path = join(folder, root, 'tauri.conf.json')
    if (!(await isThere(path))) return undefined
    const config = (await readJson(path)) ?? {}
    const own = (config.package as { version?: unknown } | undefined)?.version
    const version = (await versionOfTauri(join(folder, root), text(config.version))) ?? text(own)
    return { by: 'tauri.conf.json', version }
  },
})

const FORGE: BuildTool = {
  outputs: [{ path: 'out/make', depth: 4, withArchives: true }],
  async find(folder) {
    if (!(await isThere(join(folder, 'out/make')))) return undefined
    const project = await readJson(join(folder, 'package.json'))
    return { by: project ? 'package.json and out/make' : 'out/make', version: text(project?.version) }
  },
}

const GRADLE: BuildTool = {
  outputs: [
    { path: 'app/build/outputs/apk', depth: 4 },
    { path: 'app/build/outputs/bundle', depth: 3 },
  ],
  async find(folder) {
    const isHere = await isThere(join(folder, 'app/build/outputs'))
    return isHere ? { by: 'app/build/outputs', version: undefined } : undefined
  },
}

const TOOLS: readonly BuildTool[] = [FLUTTER, tauriIn('.'), tauriIn('src-tauri'), FORGE, GRADLE]

/** Where many tools build to, whatever they are. */
const COMMON: readonly OutputFolder[] = ['.', 'dist', 'build', 'release'].map((path) => ({
  path,
  depth: path === 'release' ? 2 : 1,
}))

/** Metadata of an updater says best what there is: beside it, nothing is guessed. */
async function findInFolder(folder: string): Promise<FoundInstallers[]> {
  const own = await findMetadata(folder)
  if (own) return [own]
  const found: FoundInstallers[] = []
  for (const { find, outputs } of TOOLS) {
    const project = await find(folder)
    if (project) found.push(ofItsVersion({ ...project, ...(await lookThroughAll(folder, outputs)) }))
  }
  for (const output of COMMON) {
    const metadata = output.path === '.' ? undefined : await findMetadata(join(folder, output.path))
    const there = metadata ?? { by: 'the endings of names', version: undefined, ...(await lookThrough(folder, output)) }
    if (there.paths.length > 0 || metadata) found.push(there)
  }
  // A project whose build is elsewhere says its version still.
  return found
}

/** Beside what was built last lies what was built before: `Demo_1.1.0_amd64.AppImage`, `Demo-1.1.0-1.x86_64.rpm`. */
function ofItsVersion(found: FoundInstallers): FoundInstallers {
  const { version, paths, leftOut = [] } = found
  if (version === undefined) return found
  const isOther = (path: string) => {
    const name = basename(path)
    return /[_-]\d+\.\d+\.\d+[^_]*[_-]/.test(name) && !['_', '-'].some((mark) => name.includes(mark + version + mark))
  }
  return { ...found, paths: paths.filter((path) => !isOther(path)), leftOut: [...leftOut, ...paths.filter(isOther)] }
}

async function lookThroughAll(folder: string, outputs: readonly OutputFolder[]) {
  const all = []
  for (const output of outputs) all.push(await lookThrough(folder, output))
  return { paths: all.flatMap(({ paths }) => paths), leftOut: all.flatMap(({ leftOut }) => leftOut) }
}
