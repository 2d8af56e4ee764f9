import { formatOfName, secretInName, type BinaryFormatName } from '@hotpatch/api'
import { filePathFault, findPathConflict, MAX_FILE_PATH_BYTES, type Platform } from '@hotpatch/protocol'
import type { Dropped, DroppedFile } from './dropped-files.ts'
import { readZipNames } from './zip-names.ts'

/** What a drop can be published as. */
export type ContentChoice = 'archive' | 'files' | 'binary'

export interface BinaryChoice {
  file: File
  format: BinaryFormatName
  platform: Platform
  architecture: string
}

export interface Recognised {
  name: string
  /** Of one kind at least, the likeliest first. */
  choices: readonly [ContentChoice, ...ContentChoice[]]
  /** Without what is left out. */
  files: readonly DroppedFile[]
  /** A zip that is published as it is. */
  zip: File | undefined
  binaries: readonly BinaryChoice[]
  platform: Platform | undefined
  /** The page or bundle that is run first, at the root. */
  entry: string | undefined
  leftOut: readonly string[]
  /** Names that give away what nobody ships on purpose. */
  secrets: readonly { path: string; what: string }[]
}

export type Fault =
  | { fault: 'empty' | 'several-folders' | 'unknown-file' }
  | { fault: 'path'; path: string; found: string }
  | { fault: 'conflict'; path: string; other: string }

const IGNORED = /(?:^|\/)(?:\.DS_Store|Thumbs\.db|desktop\.ini|__MACOSX\/.*)$/
const SOURCE_MAP = /\.(?:bundle|jsbundle|[cm]?js|hbc|css)(?:\.hbc|\.packager|\.compiler)*\.map$/
const ENTRIES: readonly [string, Platform | undefined][] = [
  ['index.android.bundle', 'android'],
  ['main.jsbundle', 'ios'],
  ['index.html', undefined],
]

/** What somebody has dropped, and what it can be published as. */
export function recognise(dropped: Dropped): Recognised | Fault {
  const { folder, files } = dropped
  if (files.length === 0) return { fault: 'empty' }
  const atRoot = folder === undefined && files.every(({ path }) => !path.includes('/'))
  if (atRoot) return recogniseFiles(files)
  return folder === undefined ? { fault: 'several-folders' } : recogniseFolder(folder, files)
}

function recogniseFiles(files: readonly DroppedFile[]): Recognised | Fault {
  const binaries = files.flatMap(({ file }) => binaryOf(file) ?? [])
  if (binaries.length < files.length) return { fault: 'unknown-file' }
  const [only] = files
  const zip = files.length === 1 && binaries[0]?.format === 'zip' ? only?.file : undefined
  const platforms = new Set(binaries.map(({ platform }) => platform))
  return {
    name: files.map(({ path }) => path).join(', '),
    choices: zip ? ['archive', 'binary'] : ['binary'],
    files,
    zip,
    binaries,
    platform: zip ? undefined : platforms.size === 1 ? binaries[0]?.platform : 'any',
    entry: undefined,
    leftOut: [],
    secrets: [],
  }
}

function recogniseFolder(folder: string, all: readonly DroppedFile[]): Recognised | Fault {
  const isKept = ({ path }: DroppedFile) => !IGNORED.test(path) && !SOURCE_MAP.test(path)
  const files = all.filter(isKept).toSorted((a, b) => (a.path < b.path ? -1 : 1))
  if (files.length === 0) return { fault: 'empty' }
  for (const { path } of files) {
    const fault = filePathFault(path, MAX_FILE_PATH_BYTES)
    if (fault) return { fault: 'path', path, found: fault.found }
  }
  const conflict = findPathConflict(files.map(({ path }) => path))
  if (conflict) return { fault: 'conflict', path: conflict.path, other: conflict.other }
  const names = new Set(files.map(({ path }) => path))
  const [entry, platform] = ENTRIES.find(([name]) => names.has(name)) ?? []
  return {
    name: folder,
    choices: ['archive', 'files'],
    files,
    zip: undefined,
    binaries: [],
    platform,
    entry,
    leftOut: all.filter((file) => !isKept(file)).map(({ path }) => path),
    secrets: secretsIn(files.map(({ path }) => path)),
  }
}

/** A zip is searched as its folder would be, before it goes anywhere. */
export async function searchZip(recognised: Recognised): Promise<Recognised> {
  if (!recognised.zip) return recognised
  // What cannot be read is no zip that a server takes.
  const names = (await readZipNames(recognised.zip)) ?? []
  return { ...recognised, secrets: secretsIn(names) }
}

function secretsIn(paths: readonly string[]): Recognised['secrets'] {
  return paths.flatMap((path) => {
    const what = secretInName(path)
    return what === undefined ? [] : [{ path, what }]
  })
}

const PLATFORMS: Record<BinaryFormatName, Platform> = {
  apk: 'android',
  aab: 'android',
  ipa: 'ios',
  dmg: 'macos',
  zip: 'macos',
  pkg: 'macos',
  exe: 'windows',
  msi: 'windows',
  msix: 'windows',
  appimage: 'linux',
  deb: 'linux',
  rpm: 'linux',
  'tar.gz': 'linux',
  delta: 'macos',
}

const ARCHITECTURES: readonly [RegExp, string][] = [
  [/arm64-v8a/i, 'arm64-v8a'],
  [/armeabi-v7a/i, 'armeabi-v7a'],
  [/arm64|aarch64/i, 'arm64'],
  [/x86[_-]64|amd64|x64|win64/i, 'x64'],
  [/ia32|i[36]86|x86|win32/i, 'ia32'],
]

function binaryOf(file: File): BinaryChoice | undefined {
  const format = formatOfName(file.name)
  if (format === undefined || format === 'delta') return undefined
  const architecture = ARCHITECTURES.find(([pattern]) => pattern.test(file.name))?.[1] ?? 'any'
  return { file, format, platform: PLATFORMS[format], architecture }
}
