import { readdir } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { UsageError } from '../errors/errors.ts'
import { factsOfName } from './file-facts.ts'

/** Where builds leave what apps are installed from. */
export interface OutputFolder {
  /** Relative to the project. */
  path: string
  /** How many folders deep: 1 is what lies directly in it. */
  depth: number
  /** Whether an archive there is an app, and no bundle or something else. */
  withArchives?: boolean
}

export interface FoundOutput {
  paths: string[]
  /** Not for users: of debugging, or unsigned. */
  leftOut: string[]
}

/** More than any of these folders has, but for one that is none. */
const MAX_LOOKED_AT = 20_000

/** An app as it lies unpacked, and what is made on the way. */
const SKIPPED = /^(?:\.|node_modules$|intermediates$)|-unpacked$|\.app$/
const NOT_FOR_USERS = /[-_.](?:debug|profile|unsigned|unaligned|androidtest)[-_.]/i
const ARCHIVES: ReadonlySet<string | undefined> = new Set(['zip', 'tar.gz'])

/** @throws UsageError when there is far too much */
export async function lookThrough(
  root: string,
  { path: folder, depth, withArchives = false }: OutputFolder,
): Promise<FoundOutput> {
  const found: FoundOutput = { paths: [], leftOut: [] }
  let lookedAt = 0

  async function look(directory: string, left: number): Promise<void> {
    const entries = await readdir(directory, { withFileTypes: true }).catch(() => [])
    for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
      if ((lookedAt += 1) > MAX_LOOKED_AT) {
        const where = relative(root, join(root, folder)) || root
        throw new UsageError(`Expected at most ${MAX_LOOKED_AT} files in ${where}: name those that are meant.`)
      }
      const path = join(directory, entry.name)
      if (entry.isDirectory() && left > 1 && !SKIPPED.test(entry.name)) await look(path, left - 1)
      const format = entry.isFile() ? factsOfName(entry.name)?.format : undefined
      // A folder has deltas between all of its versions: those of the one that is published lie beside it.
      if (format === undefined || format === 'delta' || (ARCHIVES.has(format) && !withArchives)) continue
      found[NOT_FOR_USERS.test(entry.name) ? 'leftOut' : 'paths'].push(path)
    }
  }

  await look(join(root, folder), depth)
  return found
}
