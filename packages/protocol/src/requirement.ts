import { compareWithBound, parseNativeVersion, type NativeVersion } from './versions/native-version.ts'
import { isInNativeRange, parseNativeRange, type NativeRange } from './versions/native-range.ts'

/** What a release needs of the native shell. An absent field needs nothing. */
export interface Requirement {
  /** The lowest native version that can run it, such as "2.1". */
  minNativeVersion?: string
  /** Versions §4, such as ">=2.1 <4". */
  nativeRange?: string
  /** Exact runtime version or fingerprint. */
  runtimeVersion?: string
}

/** A requirement whose versions are parsed once, when its catalog is compiled. */
export interface CompiledRequirement {
  minNativeVersion: NativeVersion | undefined
  nativeRange: NativeRange | undefined
  runtimeVersion: string | undefined
  /** Written as a version or a range, but not one: such a requirement is never met. */
  isUnreadable: boolean
}

export function compileRequirement(requirement: Requirement): CompiledRequirement {
  const { minNativeVersion, nativeRange, runtimeVersion } = requirement
  const minimum = minNativeVersion === undefined ? undefined : parseNativeVersion(minNativeVersion)
  const range = nativeRange === undefined ? undefined : parseNativeRange(nativeRange)
  return {
    minNativeVersion: minimum,
    nativeRange: range,
    runtimeVersion,
    isUnreadable: (minNativeVersion !== undefined && !minimum) || (nativeRange !== undefined && !range),
  }
}

/** Reasons for which the shell cannot run a release (D3). */
export type RequirementReason =
  | 'requirement-unreadable'
  | 'runtime-mismatch'
  | 'native-version-unknown'
  | 'native-out-of-range'
  | 'native-too-old'

const REQUIREMENT_REASONS: ReadonlySet<string> = new Set<RequirementReason>([
  'requirement-unreadable',
  'runtime-mismatch',
  'native-version-unknown',
  'native-out-of-range',
  'native-too-old',
])

export function isRequirementReason(reason: string): reason is RequirementReason {
  return REQUIREMENT_REASONS.has(reason)
}

/**
 * D3. Undefined when the shell can run the release.
 * The native minimum is judged last, so that `native-too-old` means: everything else fits (D9).
 */
export function requirementReason(
  requirement: CompiledRequirement,
  native: NativeVersion | undefined,
  runtimeVersion: string | undefined,
): RequirementReason | undefined {
  if (requirement.isUnreadable) return 'requirement-unreadable'
  if (requirement.runtimeVersion !== undefined && requirement.runtimeVersion !== runtimeVersion) {
    return 'runtime-mismatch'
  }
  if (!requirement.nativeRange && !requirement.minNativeVersion) return undefined
  if (!native) return 'native-version-unknown'
  if (requirement.nativeRange && !isInNativeRange(native, requirement.nativeRange)) return 'native-out-of-range'
  if (requirement.minNativeVersion && compareWithBound(native, requirement.minNativeVersion) < 0) {
    return 'native-too-old'
  }
  return undefined
}
