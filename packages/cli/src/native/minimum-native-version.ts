import { randomUUID } from 'node:crypto'
import { rename, rm, writeFile } from 'node:fs/promises'
import { compareNativeVersions, parseNativeVersion } from '@hotpatch/protocol'
import { CommandError, hasCode, systemReason } from '../errors/errors.ts'
import { readPlainText } from '../files/read-plain-text.ts'

/** The file that says below which version of the shell a web bundle is not for. */
export const MINIMUM_FILE = 'MIN_NATIVE_VERSION'

/**
 * What a release requires: its own version when the shell changed since the last one, else what that one required.
 * What the file says now does not count: a commit that was picked from another branch may have brought it along.
 *
 * @param before what the earlier release required; undefined when it said nothing
 * @throws CommandError minimum-above-release
 */
export function minimumFor({
  version,
  before,
  isChanged,
}: {
  version: string
  before: string | undefined
  isChanged: boolean
}): string {
  const minimum = isChanged || before === undefined ? version : before
  if (before !== undefined && compare(before, version) > 0) {
    const found = `the earlier release requires ${before}, which is above ${version}`
    const advice = 'Name the release that this one follows with --from, or a higher --version.'
    throw new CommandError(
      'minimum-above-release',
      `Expected a minimum of at most ${version}, found that ${found}. ${advice}`,
    )
  }
  return minimum
}

/** @throws CommandError minimum-unreadable when it is not one native version */
export function readMinimum(text: string, where: string): string {
  const version = text.replace(/^\uFEFF/, '').trim()
  if (parseNativeVersion(version)) return version
  const found = JSON.stringify(version.slice(0, 80))
  throw new CommandError(
    'minimum-unreadable',
    `Expected one version such as 2.1.0 in ${where}, found ${found}. Mend it.`,
  )
}

/** Undefined when there is no such file. */
export async function readMinimumFile(path: string): Promise<string | undefined> {
  try {
    return readMinimum(await readPlainText(path), path)
  } catch (cause) {
    if (hasCode(cause, 'ENOENT')) return undefined
    if (cause instanceof CommandError) throw cause
    throw new CommandError('minimum-unreadable', `${path} cannot be read: ${systemReason(cause)}.`, { cause })
  }
}

/** Whoever reads it meanwhile sees the old one or the new one. */
export async function writeMinimumFile(path: string, version: string): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`
  try {
    // Not through a link that lay there already.
    await writeFile(temporary, `${version}\n`, { flag: 'wx' })
    await rename(temporary, path)
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => {})
    throw new CommandError('minimum-unwritable', `${path} cannot be written: ${systemReason(cause)}.`, { cause })
  }
}

function compare(a: string, b: string): number {
  const [one, other] = [parseNativeVersion(a), parseNativeVersion(b)]
  if (!one || !other) throw new Error(`${a} and ${b} were to be read before`)
  return compareNativeVersions(one, other)
}
