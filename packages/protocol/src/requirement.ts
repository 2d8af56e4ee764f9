import { compareWithBound, parseNativeVersion, type NativeVersion } from './versions/native-version.ts'
import { isInNativeRange, parseNativeRange, type NativeRange } from './versions/native-range.ts'

/** What a release needs of the native shell and of what it runs on. An absent field needs nothing. */
export interface Requirement {
  /** The lowest native version that can run it, such as "2.1". */
  minNativeVersion?: string
  /** Versions §4, such as ">=2.1 <4". */
  nativeRange?: string
  /** Exact runtime version or fingerprint. */
  runtimeVersion?: string
  /** The lowest version of the operating system that can run it, such as "14". */
  minOsVersion?: string
  /** Processor architectures that can run it, such as "arm64": one of them is needed. Compared without regard to case. */
  architectures?: string[]
}

/** In the order in which a statement has them. */
export const REQUIREMENT_NAMES = [
  'minNativeVersion',
  'nativeRange',
  'runtimeVersion',
  'minOsVersion',
  'architectures',
] as const satisfies readonly (keyof Requirement)[]

/** More architectures than there are. */
export const MAX_ARCHITECTURES = 20

export function isSameRequirement(a: Requirement, b: Requirement): boolean {
  return REQUIREMENT_NAMES.every((name) => JSON.stringify(a[name]) === JSON.stringify(b[name]))
}

/** What a device tells that a requirement is about. */
export interface RequirementSubject {
  /** Undefined when it told none, or no version. */
  native: NativeVersion | undefined
  runtimeVersion: string | undefined
  osVersion: string | undefined
  architecture: string | undefined
  /** What it judges itself where it does not tell. */
  judges?: readonly (keyof Requirement)[] | undefined
}

/** A requirement whose versions are parsed once, when its catalog is compiled. */
export interface CompiledRequirement {
  minNativeVersion: NativeVersion | undefined
  nativeRange: NativeRange | undefined
  runtimeVersion: string | undefined
  minOsVersion: NativeVersion | undefined
  /** In lower case. */
  architectures: readonly string[] | undefined
  /** Written as a version or a range, but not one: such a requirement is never met. */
  isUnreadable: boolean
}

export function compileRequirement(requirement: Requirement): CompiledRequirement {
  const { minNativeVersion, nativeRange, runtimeVersion, minOsVersion, architectures } = requirement
  const minOs = minOsVersion === undefined ? undefined : parseNativeVersion(minOsVersion)
  const minimum = minNativeVersion === undefined ? undefined : parseNativeVersion(minNativeVersion)
  const range = nativeRange === undefined ? undefined : parseNativeRange(nativeRange)
  return {
    minNativeVersion: minimum,
    nativeRange: range,
    runtimeVersion,
    minOsVersion: minOs,
    architectures: architectures?.map((name) => name.toLowerCase()),
    isUnreadable:
      (minNativeVersion !== undefined && !minimum) ||
      (nativeRange !== undefined && !range) ||
      (minOsVersion !== undefined && !minOs),
  }
}

/** Reasons for which the shell cannot run a release (D3). */
export type RequirementReason =
  | 'requirement-unreadable'
  | 'runtime-mismatch'
  | 'architecture-unknown'
  | 'architecture-mismatch'
  | 'os-version-unknown'
  | 'os-too-old'
  | 'native-version-unknown'
  | 'native-out-of-range'
  | 'native-too-old'

const REQUIREMENT_REASONS: ReadonlySet<string> = new Set<RequirementReason>([
  'requirement-unreadable',
  'runtime-mismatch',
  'architecture-unknown',
  'architecture-mismatch',
  'os-version-unknown',
  'os-too-old',
  'native-version-unknown',
  'native-out-of-range',
  'native-too-old',
])

export function isRequirementReason(reason: string): reason is RequirementReason {
  return REQUIREMENT_REASONS.has(reason)
}

/** Whether all that is required of the native version is the client's own to judge. */
function leavesNative({ nativeRange, minNativeVersion }: CompiledRequirement, judges: readonly (keyof Requirement)[]) {
  return (!nativeRange || judges.includes('nativeRange')) && (!minNativeVersion || judges.includes('minNativeVersion'))
}

/**
 * D3. Undefined when the shell can run the release.
 * The native minimum is judged last, so that `native-too-old` means: everything else fits (D9).
 */
export function requirementReason(
  requirement: CompiledRequirement,
  { native, runtimeVersion, osVersion, architecture, judges = [] }: RequirementSubject,
): RequirementReason | undefined {
  if (requirement.isUnreadable) return 'requirement-unreadable'
  if (requirement.runtimeVersion !== undefined && requirement.runtimeVersion !== runtimeVersion) {
    return 'runtime-mismatch'
  }
  if (requirement.architectures && !(architecture === undefined && judges.includes('architectures'))) {
    if (architecture === undefined) return 'architecture-unknown'
    if (!requirement.architectures.includes(architecture.toLowerCase())) return 'architecture-mismatch'
  }
  if (requirement.minOsVersion && !(osVersion === undefined && judges.includes('minOsVersion'))) {
    const os = osVersion === undefined ? undefined : parseNativeVersion(osVersion)
    if (!os) return 'os-version-unknown'
    if (compareWithBound(os, requirement.minOsVersion) < 0) return 'os-too-old'
  }
  if (!requirement.nativeRange && !requirement.minNativeVersion) return undefined
  if (!native) return leavesNative(requirement, judges) ? undefined : 'native-version-unknown'
  if (requirement.nativeRange && !isInNativeRange(native, requirement.nativeRange)) return 'native-out-of-range'
  if (requirement.minNativeVersion && compareWithBound(native, requirement.minNativeVersion) < 0) {
    return 'native-too-old'
  }
  return undefined
}
