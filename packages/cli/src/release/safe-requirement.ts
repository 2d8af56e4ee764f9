import type { ReleaseFinding, ReleasePreflight } from '@hotpatch/api'
import { isInNativeRange, parseNativeRange, parseNativeVersion, type Requirement } from '@hotpatch/protocol'
import { given } from '../arguments/given.ts'
import { MINIMUM_FILE } from '../native/minimum-native-version.ts'
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
 * newest that devices run; from that on that the project's MIN_NATIVE_VERSION names, if there is one.
 */
export function chooseRequirement(
  asked: Requirement,
  {
    isForAny,
    existing,
    project,
    minimum,
    native,
  }: {
    isForAny: boolean
    /** Of this very version, published before. */
    existing?: Requirement | undefined
    project: ProjectNative | undefined
    /** What the web app needs of its shell. */
    minimum?: string | undefined
    native: Native
  },
): ChosenRequirement {
  const findings: ReleaseFinding[] = []
  if (isForAny) return { requirement: asked, source: undefined, findings }
  if (Object.keys(asked).length > 0) {
    const isOfNative = asked.minNativeVersion ?? asked.nativeRange ?? asked.runtimeVersion
    return { requirement: { ...asked, ...(isOfNative === undefined && least(minimum)) }, source: undefined, findings }
  }
  // It never changes: whoever names none means that one.
  if (existing) return { requirement: existing, source: 'as this version was published', findings }
  const silent = native.devices - native.telling
  if (silent > 0) {
    const found = `${silent} of ${native.devices} known devices do not always tell their native version`
    const told = unlimited(`${found}, so that none was chosen for them`)
    return { requirement: least(minimum), source: sourceOf(minimum), findings: [told] }
  }
  const [version, source] = project
    ? [project.version, project.source]
    : [native.newest, 'the newest that known devices run']
  const nativeRange = version === null ? undefined : upTo(version)
  if (nativeRange === undefined) {
    const found = 'none, and nothing says which there are: neither the project nor a device'
    return { requirement: least(minimum), source: sourceOf(minimum), findings: [unlimited(found)] }
  }
  if (minimum !== undefined && !includes(nativeRange, minimum)) {
    // Nothing would be between: whoever stamps the minimum lets the build set the version, mostly.
    const found = `none, as ${version} (${source}) is below the ${minimum} of ${MINIMUM_FILE}`
    return { requirement: least(minimum), source: sourceOf(minimum), findings: [unlimited(found)] }
  }
  if (native.newest !== null && !includes(nativeRange, native.newest))
    findings.push(excluded(nativeRange, native.newest))
  const both = [sourceOf(minimum), source].filter((each) => each !== undefined).join(', and ')
  return { requirement: { ...least(minimum), nativeRange }, source: both, findings }
}

const least = (minimum: string | undefined): Requirement => given({ minNativeVersion: minimum })

const sourceOf = (minimum: string | undefined) => (minimum === undefined ? undefined : MINIMUM_FILE)

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
