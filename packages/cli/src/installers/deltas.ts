import { readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { parseNativeVersion } from '@hotpatch/protocol'
import type { InstallerFile } from '../content/content-kind.ts'
import { UsageError } from '../errors/errors.ts'

/** A delta that was named, and of which version it makes the new one. */
export interface NamedDelta {
  from: string
  path: string
}

/** `1.0.0=App2-1.delta`. @throws UsageError */
export function readNamedDelta(text: string): NamedDelta {
  const [, from, path] = /^([^=]+)=(.+)$/.exec(text) ?? []
  if (from !== undefined && path !== undefined) return { from, path }
  throw new UsageError(`--delta: expected VERSION=FILE, such as 1.0.0=App2-1.delta, found "${text}".`)
}

/** The build that a delta is from, as generate_appcast names it: `App2-1.delta` is from 1 to 2. */
export function deltaFromOfName(name: string): string | undefined {
  return /-([0-9A-Za-z][0-9A-Za-z.+_]{0,63})\.delta$/.exec(name)?.[1]
}

/** As Sparkle compares it; undefined: only its release can say it. */
export function buildOf(version: string): string | undefined {
  if (/^\d+$/.test(version)) return version
  const build = parseNativeVersion(version)?.build
  return build === undefined ? undefined : String(build)
}

/** What generate_appcast left beside the files of this version, besides what was named. */
export async function findDeltasBeside(files: readonly InstallerFile[], version: string): Promise<string[]> {
  const folders = new Set(files.filter(isWhole).flatMap((file) => ('path' in file ? [dirname(file.path)] : [])))
  const known = new Set(files.map(({ name }) => name))
  const own = buildOf(version) ?? version
  const found: string[] = []
  for (const folder of folders) {
    const names = (await readdir(folder)).toSorted()
    const deltas = names.filter((name) => isDeltaTo(own, name) && !known.has(name))
    found.push(...deltas.map((name) => join(folder, name)))
  }
  return found
}

function isDeltaTo(build: string, name: string): boolean {
  const from = deltaFromOfName(name)
  const start = from === undefined ? '' : name.slice(0, -`-${from}.delta`.length)
  // `App12-1.delta` is to 12, and not to 2.
  return start.endsWith(build) && !/[0-9.]$/.test(start.slice(0, -build.length))
}

/** A delta is for the processor of the app that it makes, whatever its own name says. */
export function withProcessorOfWhole(files: readonly InstallerFile[]): readonly InstallerFile[] {
  const [whole, another] = files.filter(isWhole)
  const others = new Set(files.filter(isWhole).map(({ architecture }) => architecture))
  if (!whole || (another && others.size > 1)) return files
  const { architecture } = whole
  return files.map((file) =>
    file.format === 'delta' && file.architecture === 'any' ? { ...file, architecture } : file,
  )
}

const isWhole = ({ platform, format }: InstallerFile) => platform === 'macos' && (format === 'dmg' || format === 'zip')
