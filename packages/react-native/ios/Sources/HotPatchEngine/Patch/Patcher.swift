struct PatchFault {
  /// The patch's own code (Patches §7), or an SDK code.
  var reason: String
  var error: Error
  /// The same patch would fail again.
  var isFinal: Bool
  /// The disk's doing: the whole bundle tells of it, if it has the same trouble.
  var isOfDisk: Bool
}

/// Patches of whole trees (Patches §5).
enum Patcher {
  /// What can be unpacked here, the best first.
  static func formats(_ ports: Ports) -> [PatchFormat] {
    PatchFormat.allCases.filter { $0 != .brotli || ports.unpacking.hasBrotli }
  }

  /// Whether a patch can be one for what lies here, before a byte of it is fetched. `tree` is what the release is by its
  /// statement, or by the answer alone where no keys are. Throws PatchError.
  static func findBase(
    _ patch: PatchOffer, tree: String?, bundleBytes: Int, _ ports: Ports, _ limits: Limits
  ) throws -> PatchBase {
    if !formats(ports).contains(patch.format) {
      let found = patch.format.rawValue
      throw PatchError(.packingUnsupported, "Expected a patch that can be unpacked here, found \(found).")
    }
    return try findPatchBase(patch, tree: tree, bundleBytes: bundleBytes, ports, limits)
  }

  /// Makes ota/pending/files out of the verified patch, as `installArchive` does of an archive. Throws PatchError.
  static func install(_ patch: PatchOffer, _ base: PatchBase, _ installation: Installation) throws {
    do {
      try installPatch(installation, base, tree: patch.tree)
    } catch let error as PatchError where base.isEmbedded && error.code == .baseDiffers {
      try forgetEmbeddedTree(installation.ports.files)
      throw error
    }
  }

  static func judge(_ cause: Error) -> PatchFault {
    if let error = cause as? PatchError {
      return PatchFault(reason: error.code.rawValue, error: error, isFinal: true, isOfDisk: false)
    }
    let error = asUpdateError(cause)
    let isOfDisk = error.code == .storageFull || error.code == .storageFailed
    return PatchFault(reason: error.code.rawValue, error: error, isFinal: isFinal(error), isOfDisk: isOfDisk)
  }
}

private func isFinal(_ error: UpdateError) -> Bool {
  switch error.code {
  case .hashMismatch, .downloadTooLarge, .insecureUrl, .answerInvalid, .decryptionFailed: return true
  default: return isFinalStatus(error.status ?? 0)
  }
}
