import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { readObject, readString, type Platform } from '@hotpatch/protocol'
import { bundleNameOf } from '../content/archive/build-bundle.ts'
import { keptMapsDirectory, RELEASE_FILE, type MappedRelease } from './keep-source-maps.ts'
import { CommandError, hasCode, systemReason } from '../errors/errors.ts'

export interface KeptMaps extends MappedRelease {
  directory: string
  keptAt: Date
}

export interface WantedMaps {
  /** The SHA-256 of the zip, or its first eight characters and more. */
  digest?: string | undefined
  version?: string | undefined
  platform?: Platform | undefined
  app?: string | undefined
}

/** @throws CommandError when there is none, or more than one */
export async function findKeptMaps(buildDirectory: string, wanted: WantedMaps): Promise<KeptMaps> {
  const root = keptMapsDirectory(buildDirectory)
  const all = await listKeptMaps(root)
  const found = all.filter((kept) => fits(kept, wanted))
  const [only] = found
  if (!only) throw noneKept(root, wanted, all)
  if (found.length === 1) return only
  const lines = found.map((kept) => `  ${describe(kept)}`)
  const message = [`Source maps of ${found.length} builds fit. Say which, by --digest or --platform:`, ...lines].join(
    '\n',
  )
  throw new CommandError('maps-ambiguous', message, { details: { found } })
}

async function listKeptMaps(root: string): Promise<KeptMaps[]> {
  let names: string[]
  try {
    names = await readdir(root)
  } catch (cause) {
    if (hasCode(cause, 'ENOENT')) return []
    throw new CommandError('map-unreadable', `${root} cannot be read: ${systemReason(cause)}.`, { cause })
  }
  const kept: KeptMaps[] = []
  for (const name of names.filter((each) => /^[0-9a-f]{64}$/.test(each))) {
    const directory = join(root, name)
    const release = await readRelease(join(directory, RELEASE_FILE))
    if (release) kept.push({ ...release, sha256: name, directory })
  }
  return kept.toSorted((a, b) => b.keptAt.getTime() - a.keptAt.getTime())
}

/** Undefined where keeping was interrupted: this file is written last. */
async function readRelease(path: string): Promise<Omit<KeptMaps, 'directory'> | undefined> {
  try {
    const json = readObject(JSON.parse(await readFile(path, 'utf8')), '')
    const text = (name: string) => readString(json[name], `/${name}`, { pattern: /\S/, expected: 'a text' })
    const [app, platform, version] = [text('app'), text('platform'), text('version')]
    const keptAt = (await stat(path)).mtime
    return { app, platform, version, sha256: text('sha256'), root: text('root'), keptAt }
  } catch (cause) {
    if (hasCode(cause, 'ENOENT')) return undefined
    const reason = hasCode(cause, 'EACCES', 'EISDIR', 'EIO') ? systemReason(cause) : (cause as Error).message
    throw new CommandError('map-unreadable', `${path} cannot be read: ${reason}`, { cause })
  }
}

function fits(kept: KeptMaps, { digest, version, platform, app }: WantedMaps): boolean {
  return (
    (digest === undefined || kept.sha256.startsWith(digest)) &&
    (version === undefined || kept.version === version) &&
    (platform === undefined || kept.platform === platform) &&
    (app === undefined || kept.app === app)
  )
}

const describe = ({ app, platform, version, sha256, keptAt }: KeptMaps) =>
  `${app} ${version} for ${platform}, of ${keptAt.toISOString()}: --digest ${sha256.slice(0, 12)}`

const SHOWN = 5

function noneKept(
  root: string,
  { digest, version, platform, app }: WantedMaps,
  all: readonly KeptMaps[],
): CommandError {
  const what = [digest, app, version, platform && `for ${platform}`].filter(Boolean).join(' ')
  const there = all.slice(0, SHOWN).map((kept) => `  ${describe(kept)}`)
  const lines = [
    `No source maps of ${what} are kept in ${root}${all.length > 0 ? '. The newest there:' : ': nothing is.'}`,
    ...there,
    'They are kept where release ran, below its build folder. On another machine, such as one of CI, keep that folder of each release and name it: --build-dir. With a map at hand: --map FILE. Without one, build the same sources again with the same versions of everything: if the SHA-256 of the plan is that of the release, its map fits.',
  ]
  return new CommandError('no-maps', lines.join('\n'))
}

/** The map of the code, where there are others, such as of styles. @throws CommandError */
export async function chooseMap({ directory, platform }: KeptMaps): Promise<string> {
  const entries = await readdir(directory, { recursive: true })
  const maps = entries.filter((name) => name.endsWith('.map'))
  const own = `${bundleNameOf(platform as Platform) ?? ''}.map`
  const [only] = maps
  const chosen = maps.includes(own) ? own : maps.length === 1 && !isHalf(only) ? only : undefined
  if (chosen !== undefined) return join(directory, chosen)
  const halves = maps.filter(isHalf)
  const advice =
    halves.length > 0
      ? `Make one of them with React Native's scripts/compose-source-maps.js (${halves.join(' ')} -o ${own})`
      : 'Name the one of the code: --map'
  throw new CommandError(
    'maps-ambiguous',
    `Expected ${own} in ${directory}, found ${maps.join(', ') || 'no map'}. ${advice}.`,
  )
}

/** Of a bundle that was compiled, and whose two maps were not made one. */
const isHalf = (name = '') => /\.(?:packager|compiler)\.map$/.test(name)
