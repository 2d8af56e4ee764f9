/// What a release needs of the native shell and of what it runs on. An absent field needs nothing.
public struct Requirement: Equatable {
  /// The lowest native version that can run it, such as "2.1".
  public var minNativeVersion: String?
  /// Versions §4, such as ">=2.1 <4".
  public var nativeRange: String?
  /// Exact runtime version or fingerprint.
  public var runtimeVersion: String?
  /// The lowest version of the operating system that can run it, such as "14".
  public var minOsVersion: String?
  /// Processor architectures that can run it, such as "arm64": one of them is needed. Compared without regard to case.
  public var architectures: [String]?

  public init() {}

  /// Nothing is required.
  public var isEmpty: Bool { self == Requirement() }
}

/// More architectures than there are.
let maxArchitectures = 20

/// What a device tells that a requirement is about.
public struct RequirementSubject {
  /// Nil when it is no version.
  public var native: NativeVersion?
  public var runtimeVersion: String?
  public var osVersion: String?
  public var architecture: String?

  public init(native: NativeVersion?, runtimeVersion: String?, osVersion: String?, architecture: String?) {
    self.native = native
    self.runtimeVersion = runtimeVersion
    self.osVersion = osVersion
    self.architecture = architecture
  }
}

/// A requirement whose versions are parsed.
public struct CompiledRequirement {
  let minNativeVersion: NativeVersion?
  let nativeRange: NativeRange?
  let runtimeVersion: String?
  let minOsVersion: NativeVersion?
  /// In lower case.
  let architectures: [String]?
  /// Written as a version or a range, but not one: such a requirement is never met.
  let isUnreadable: Bool
}

public func compileRequirement(_ requirement: Requirement) -> CompiledRequirement {
  let minOs = requirement.minOsVersion.flatMap(parseNativeVersion)
  let minimum = requirement.minNativeVersion.flatMap(parseNativeVersion)
  let range = requirement.nativeRange.flatMap(parseNativeRange)
  return CompiledRequirement(
    minNativeVersion: minimum,
    nativeRange: range,
    runtimeVersion: requirement.runtimeVersion,
    minOsVersion: minOs,
    architectures: requirement.architectures?.map { $0.lowercased() },
    isUnreadable: (requirement.minNativeVersion != nil && minimum == nil)
      || (requirement.nativeRange != nil && range == nil) || (requirement.minOsVersion != nil && minOs == nil)
  )
}

/// Reasons for which the shell cannot run a release (D3).
public enum RequirementReason: String, CaseIterable, Sendable {
  case requirementUnreadable = "requirement-unreadable"
  case runtimeMismatch = "runtime-mismatch"
  case architectureUnknown = "architecture-unknown"
  case architectureMismatch = "architecture-mismatch"
  case osVersionUnknown = "os-version-unknown"
  case osTooOld = "os-too-old"
  case nativeVersionUnknown = "native-version-unknown"
  case nativeOutOfRange = "native-out-of-range"
  case nativeTooOld = "native-too-old"
}

/// D3. Nil when the shell can run the release.
/// The native minimum is judged last, so that `nativeTooOld` means: everything else fits (D9).
public func requirementReason(
  _ requirement: CompiledRequirement, _ subject: RequirementSubject
) -> RequirementReason? {
  if requirement.isUnreadable { return .requirementUnreadable }
  if let runtime = requirement.runtimeVersion, !isSameText(runtime, subject.runtimeVersion) { return .runtimeMismatch }
  if let architectures = requirement.architectures {
    guard let own = subject.architecture?.lowercased() else { return .architectureUnknown }
    if !architectures.contains(where: { isSameText($0, own) }) { return .architectureMismatch }
  }
  if let minimum = requirement.minOsVersion {
    guard let os = subject.osVersion.flatMap(parseNativeVersion) else { return .osVersionUnknown }
    if compareWithBound(os, minimum) < 0 { return .osTooOld }
  }
  return nativeReason(requirement, subject.native)
}

private func nativeReason(_ requirement: CompiledRequirement, _ native: NativeVersion?) -> RequirementReason? {
  if requirement.nativeRange == nil && requirement.minNativeVersion == nil { return nil }
  guard let native else { return .nativeVersionUnknown }
  if let range = requirement.nativeRange, !isInNativeRange(native, range) { return .nativeOutOfRange }
  if let minimum = requirement.minNativeVersion, compareWithBound(native, minimum) < 0 { return .nativeTooOld }
  return nil
}
