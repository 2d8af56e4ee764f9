import type { ReleaseFinding, ReleasePreflight } from '@hotpatch/api'
import { isInNativeRange, parseNativeRange, parseNativeVersion, type Requirement } from '@hotpatch/protocol'
import type { ProjectNative } from './project-native.ts'

/** What a release requires of the native app, and why. */
export interface ChosenRequirement {
  requirement: Requirement
  /** Where it comes from when nobody gave it. */
  source: string | undefined
  findings: ReleaseFinding[]
}

type Native = ReleasePreflight['native']

/**
 * Without a requirement a release is for every app binary that will ever be: a phone that takes the next version from
 * its store would go back to it. So it is for the binaries of today: up to the project's own version, else up to the
 * newest that devices run.
 */
export function chooseRequirement(
  given: Requirement,
  {
    isForAny,
    existing,
    project,
    native,
  }: {
    isForAny: boolean
    /** Of this very version, published before. */
    existing?: Requirement | undefined
    project: ProjectNative | undefined
    native: Native
  },
): ChosenRequirement {
  const findings: ReleaseFinding[] = []
  if (isForAny || Object.keys(given).length > 0) return { requirement: given, source: undefined, findings }
  // It never changes: whoever names none means that one.
  if (existing) return { requirement: existing, source: 'as this version was published', findings }
  const silent = native.devices - native.telling
  if (silent > 0) {
    const found = `${silent} of ${native.devices} known devices do not always tell their native version`
    return { requirement: {}, source: undefined, findings: [unlimited(`${found}, so that none was chosen for them`)] }
  }
  const [version, source] = project
    ? [project.version, project.source]
    : [native.newest, 'the newest that known devices run']
  const nativeRange = version === null ? undefined : upTo(version)
  if (nativeRange === undefined) {
    const found = 'none, and nothing says which there are: neither the project nor a device'
    return { requirement: {}, source: undefined, findings: [unlimited(found)] }
  }
  if (native.newest !== null && !includes(nativeRange, native.newest))
    findings.push(excluded(nativeRange, native.newest))
  return { requirement: { nativeRange }, source, findings }
}

/** Three numbers at least: in a range, a shorter version also stands for those that begin like it. */
function upTo(text: string): string | undefined {
  const version = parseNativeVersion(text)
  if (!version) return undefined
  const parts = [...version.parts, 0, 0].slice(0, Math.max(3, version.parts.length))
  const prerelease = version.prerelease.length > 0 ? `-${version.prerelease.join('.')}` : ''
  return `<=${parts.join('.')}${prerelease}`
}

function includes(rangeText: string, versionText: string): boolean {
  const range = parseNativeRange(rangeText)
  const version = parseNativeVersion(versionText)
  return range !== undefined && version !== undefined && isInNativeRange(version, range)
}

function unlimited(found: string): ReleaseFinding {
  const advice =
    'App binaries of later store versions will take it, too. Give --native-range, or --any-native if it may.'
  return { check: 'native-range', severity: 'warning', expected: 'a range of native versions', found, advice }
}

function excluded(range: string, newest: string): ReleaseFinding {
  const found = `${newest} on known devices, which is not in ${range}`
  const advice = 'They do not get it. If they should, give --native-range.'
  return { check: 'native-range', severity: 'warning', expected: 'the native versions that devices run', found, advice }
}
