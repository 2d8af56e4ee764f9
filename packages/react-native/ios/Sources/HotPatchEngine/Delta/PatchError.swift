/// Why a patch was not applied. Whoever applies it then takes the full download.
public struct PatchError: Error, CustomStringConvertible {
  /// Patches §7.
  public enum Code: String, CaseIterable, Sendable {
    case patchDamaged = "patch-damaged"
    case patchTooLarge = "patch-too-large"
    case packingUnsupported = "packing-unsupported"
    case baseDiffers = "base-differs"
    case resultDiffers = "result-differs"
  }

  public let code: Code
  public let description: String
  public let cause: Error?

  public init(_ code: Code, _ description: String, cause: Error? = nil) {
    self.code = code
    self.description = description
    self.cause = cause
  }
}

/// Reads `throw damaged("Expected …, found …")`.
func damaged(_ message: String) -> PatchError {
  PatchError(.patchDamaged, message)
}
