import { readdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Platform } from '@hotpatch/protocol'
import { CommandError, UsageError } from '../errors/errors.ts'
import { isThere, readJson, readYaml, text } from './described-files.ts'
import { factsOfName } from './file-facts.ts'

/** What a build wrote for updaters, beside the files that they install. */
export interface UpdaterMetadata {
  /** In words, such as "latest.yml of electron-builder". */
  by: string
  version: string | undefined
  paths: readonly string[]
  /** Of those of which it says that. */
  platforms: ReadonlyMap<string, Platform>
}

const ELECTRON = /^(?:latest|alpha|beta)(?:-[\w-]+)?\.yml$/
const TAURI = 'latest.json'

export const isUpdaterMetadata = (name: string) => ELECTRON.test(name) || name === TAURI

/**
 * What lies directly in a folder: of electron-builder, else of Tauri.
 * @param names when given, only these
 */
export async function findMetadata(folder: string, names?: readonly string[]): Promise<UpdaterMetadata | undefined> {
  const there = names ?? (await readdir(folder).catch(() => []))
  const ofElectron = there.filter((name) => ELECTRON.test(name)).toSorted()
  if (ofElectron.length > 0) return readElectron(folder, ofElectron)
  return there.includes(TAURI) ? readTauri(folder) : undefined
}

/** What names this very file, beside it. */
export async function findMetadataOf(path: string): Promise<UpdaterMetadata | undefined> {
  const folder = dirname(path)
  const names = (await readdir(folder).catch(() => [])).filter((name) => ELECTRON.test(name)).toSorted()
  for (const name of [...names, TAURI]) {
    const found = await findMetadata(folder, [name])
    if (found?.paths.some((each) => basename(each) === basename(path))) return found
  }
  return undefined
}

async function readElectron(folder: string, names: readonly string[]): Promise<UpdaterMetadata> {
  const described = await Promise.all(
    names.map(async (name) => ({ name, ...filesToldBy((await readYaml(join(folder, name))) ?? {}) })),
  )
  const versions = [...new Set(described.flatMap(({ version }) => version ?? []))]
  if (versions.length > 1) throw new UsageError(`Expected one version in ${folder}, found ${versions.join(' and ')}.`)
  const platforms = new Map(
    described.flatMap(({ name, urls }) =>
      pathsOf(folder, urls).map((path) => [path, platformOfChannelFile(name)] as const),
    ),
  )
  const paths = [...platforms.keys()]
  await requireBuilt(folder, paths, names.join(', '))
  return { by: `${names.join(', ')} of electron-builder`, version: versions[0], paths, platforms }
}

function filesToldBy({ version, files }: Record<string, unknown>) {
  const listed = Array.isArray(files) ? (files as ({ url?: unknown } | null)[]) : []
  return { version: text(version), urls: listed.flatMap((file) => text(file?.url) ?? []).map((url) => basename(url)) }
}

/** Electron §2. */
function platformOfChannelFile(name: string): Platform {
  if (name.endsWith('-mac.yml')) return 'macos'
  return /-linux(?:-[^-]+)?\.yml$/.test(name) ? 'linux' : 'windows'
}

/** Its addresses are of where it is to be downloaded from: what has the same name lies here. */
async function readTauri(folder: string): Promise<UpdaterMetadata | undefined> {
  const { version, platforms } = (await readJson(join(folder, TAURI))) ?? {}
  if (typeof platforms !== 'object' || platforms === null) return undefined
  const urls = Object.values(platforms).flatMap((each) => text((each as { url?: unknown } | null)?.url) ?? [])
  const there = []
  const names = urls.map((url) => decoded(basename(url.split(/[?#]/, 1)[0] ?? '')))
  for (const path of pathsOf(folder, names)) if (await isThere(path)) there.push(path)
  return { by: `${TAURI} of Tauri`, version: text(version)?.replace(/^v/, ''), paths: there, platforms: new Map() }
}

function pathsOf(folder: string, names: readonly string[]): string[] {
  return [...new Set(names)].filter((name) => factsOfName(name)).map((name) => join(folder, name))
}

function decoded(name: string): string {
  try {
    return basename(decodeURIComponent(name))
  } catch {
    // No address, but a name with a percent sign in it.
    return name
  }
}

async function requireBuilt(folder: string, paths: readonly string[], by: string): Promise<void> {
  for (const path of paths) {
    if (await isThere(path)) continue
    const message = `${by} names ${basename(path)}, and ${folder} has no such file: build it anew.`
    throw new CommandError('bundle-missing', message)
  }
}
