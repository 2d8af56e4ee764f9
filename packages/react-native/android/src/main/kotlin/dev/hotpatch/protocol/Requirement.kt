package dev.hotpatch.protocol

/** What a release needs of the native shell and of what it runs on. An absent field needs nothing. */
data class Requirement(
  /** The lowest native version that can run it, such as "2.1". */
  val minNativeVersion: String? = null,
  /** Versions §4, such as ">=2.1 <4". */
  val nativeRange: String? = null,
  /** Exact runtime version or fingerprint. */
  val runtimeVersion: String? = null,
  /** The lowest version of the operating system that can run it, such as "14". */
  val minOsVersion: String? = null,
  /** Processor architectures that can run it, such as "arm64": one of them is needed. Compared without regard to case. */
  val architectures: List<String>? = null,
)

/** More architectures than there are. */
const val MAX_ARCHITECTURES = 20

/** What a device knows of itself that a requirement is about. */
class RequirementSubject(
  /** Null when it is none that can be read. */
  val native: NativeVersion?,
  val runtimeVersion: String?,
  val osVersion: String?,
  val architecture: String?,
)

/** A requirement whose versions are parsed. */
class CompiledRequirement(
  val minNativeVersion: NativeVersion?,
  val nativeRange: NativeRange?,
  val runtimeVersion: String?,
  val minOsVersion: NativeVersion?,
  /** In lower case. */
  val architectures: List<String>?,
  /** Written as a version or a range, but not one: such a requirement is never met. */
  val isUnreadable: Boolean,
)

fun compileRequirement(requirement: Requirement): CompiledRequirement {
  val minNative = requirement.minNativeVersion?.let(::parseNativeVersion)
  val range = requirement.nativeRange?.let(::parseNativeRange)
  val minOs = requirement.minOsVersion?.let(::parseNativeVersion)
  return CompiledRequirement(
    minNativeVersion = minNative,
    nativeRange = range,
    runtimeVersion = requirement.runtimeVersion,
    minOsVersion = minOs,
    architectures = requirement.architectures?.map { it.lowercase() },
    isUnreadable = (requirement.minNativeVersion != null && minNative == null) ||
      (requirement.nativeRange != null && range == null) ||
      (requirement.minOsVersion != null && minOs == null),
  )
}

/** Reasons for which the shell cannot run a release (D3). */
enum class RequirementReason(override val text: String) : PassedOverReason {
  REQUIREMENT_UNREADABLE("requirement-unreadable"),
  RUNTIME_MISMATCH("runtime-mismatch"),
  ARCHITECTURE_UNKNOWN("architecture-unknown"),
  ARCHITECTURE_MISMATCH("architecture-mismatch"),
  OS_VERSION_UNKNOWN("os-version-unknown"),
  OS_TOO_OLD("os-too-old"),
  NATIVE_VERSION_UNKNOWN("native-version-unknown"),
  NATIVE_OUT_OF_RANGE("native-out-of-range"),
  NATIVE_TOO_OLD("native-too-old");

  override fun toString(): String = text
}

/** D3. Null when the shell can run the release. */
fun requirementReason(requirement: CompiledRequirement, subject: RequirementSubject): RequirementReason? =
  if (requirement.isUnreadable) {
    RequirementReason.REQUIREMENT_UNREADABLE
  } else if (requirement.runtimeVersion != null && requirement.runtimeVersion != subject.runtimeVersion) {
    RequirementReason.RUNTIME_MISMATCH
  } else {
    architectureReason(requirement, subject) ?: osReason(requirement, subject) ?: nativeReason(requirement, subject)
  }

private fun architectureReason(requirement: CompiledRequirement, subject: RequirementSubject): RequirementReason? {
  val architectures = requirement.architectures ?: return null
  val own = subject.architecture ?: return RequirementReason.ARCHITECTURE_UNKNOWN
  return if (own.lowercase() in architectures) null else RequirementReason.ARCHITECTURE_MISMATCH
}

private fun osReason(requirement: CompiledRequirement, subject: RequirementSubject): RequirementReason? {
  val minimum = requirement.minOsVersion ?: return null
  val own = subject.osVersion?.let(::parseNativeVersion) ?: return RequirementReason.OS_VERSION_UNKNOWN
  return if (compareWithBound(own, minimum) < 0) RequirementReason.OS_TOO_OLD else null
}

/** The native minimum is judged last, so that `native-too-old` means: everything else fits (D9). */
private fun nativeReason(requirement: CompiledRequirement, subject: RequirementSubject): RequirementReason? {
  val (range, minimum) = requirement.nativeRange to requirement.minNativeVersion
  if (range == null && minimum == null) return null
  val own = subject.native ?: return RequirementReason.NATIVE_VERSION_UNKNOWN
  if (range != null && !isInNativeRange(own, range)) return RequirementReason.NATIVE_OUT_OF_RANGE
  return if (minimum != null && compareWithBound(own, minimum) < 0) RequirementReason.NATIVE_TOO_OLD else null
}
