import { compareWithTyped } from '@hotpatch/binary-files'
import { compareNativeVersions, parseNativeVersion } from '@hotpatch/protocol'
import type { InstallerFile } from '../content/content-kind.ts'
import { CommandError, UsageError } from '../errors/errors.ts'
import { formatList } from '../output/text.ts'
import { versionOf } from './read-installer.ts'

/** What says a version besides the files themselves. */
export interface SaidVersion {
  typed: string | undefined
  /** By the build, such as `latest.yml`, and where. */
  found: { version: string; by: string } | undefined
  /** What contradicts the files, and is meant. */
  accept: readonly string[]
}

const DIFFERS = 'typed-values-differ'

/**
 * The version of the files for one platform: what was typed, what they say, or what their build does.
 * @throws UsageError or CommandError when they contradict each other, or nobody says it
 */
export function chooseVersion(files: readonly InstallerFile[], { typed, found, accept }: SaidVersion): string {
  const own = ownVersion(files)
  if (typed === undefined && own !== undefined && found && !isSame(own, found.version)) {
    const message = `Expected ${found.version}, as ${found.by} has it, found ${own} in ${namesOf(files)}.`
    throw new UsageError(`${message} Build it anew, or say that it is meant: --version ${own}.`)
  }
  // Of an MSIX the fourth number is nothing that updaters of the app know.
  const version = typed ?? (own?.includes('+') ? own : (found?.version ?? own))
  if (version === undefined) {
    throw new UsageError(`Say which version they are: --version 1.2.0. ${namesOf(files)} does not say it.`)
  }
  if (!accept.includes(DIFFERS)) requireSameAsFiles(files, version, typed !== undefined)
  return version
}

function ownVersion(files: readonly InstallerFile[]): string | undefined {
  const wholes = [...new Set(files.flatMap(({ application }) => (application ? [versionOf(application)] : [])))]
  // APKs for one processor each have codes of their own.
  const versions = [...new Set(wholes.map(withoutBuild))]
  if (versions.length <= 1) return wholes.length === 1 ? wholes[0] : versions[0]
  throw new UsageError(
    `Expected one version, found ${formatList(wholes)} in ${namesOf(files)}: publish one after the other.`,
  )
}

function requireSameAsFiles(files: readonly InstallerFile[], version: string, isTyped: boolean): void {
  for (const { name, architecture, application } of files) {
    if (!application) continue
    const [difference] = compareWithTyped(application, { version, architecture })
    if (!difference) continue
    const { expected, found } = difference
    const advice = isTyped ? 'Without --version it is published as what it says.' : 'Say what it is: --architecture.'
    const message = `${name}: expected ${expected}, found ${found}. ${advice} If it is meant: --accept ${DIFFERS}.`
    throw new CommandError(DIFFERS, message, { details: { file: name, expected, found } })
  }
}

/** A build that only one of them names is none that differs. */
function isSame(own: string, said: string): boolean {
  const [left, right] = [own, said].map((version) => parseNativeVersion(withoutBuild(version)))
  return left && right ? compareNativeVersions(left, right) === 0 : withoutBuild(own) === withoutBuild(said)
}

const withoutBuild = (version: string) => version.split('+', 1)[0] ?? version
const namesOf = (files: readonly InstallerFile[]) => files.map(({ name }) => name).join(', ')
