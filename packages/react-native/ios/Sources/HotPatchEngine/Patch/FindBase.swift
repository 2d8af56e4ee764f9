/// What is on this device and a release is made of: another one, or what the binary shipped with; or nothing at all.
struct PatchBase {
  var isEmbedded: Bool
  var files: [ReleaseFile]
  var readRange: ReadRange

  static let nothing = PatchBase(isEmbedded: false, files: [], readRange: { _, _, _ in [] })
}

/// Throws PatchError.
func findPatchBase(
  _ patch: PatchOffer, tree: String?, bundleBytes: Int, _ ports: Ports, _ limits: Limits
) throws -> PatchBase {
  if !isSameText(patch.tree, tree) {
    let found = tree ?? "none"
    throw PatchError(
      .resultDiffers, "Expected a patch to the tree that the release states, \(found), found \(patch.tree).")
  }
  if patch.sizeBytes >= bundleBytes {
    throw PatchError(
      .patchTooLarge, "Expected less than the \(bundleBytes) bytes of the bundle, found \(patch.sizeBytes).")
  }
  // A packed release: all of its files are in it.
  if isSameText(patch.baseTree, emptyTree) { return .nothing }
  let files = ports.files
  for slot in [Slot.bundle, Slot.previous] {
    guard let base = try readTree(files, slot.path)?.files else { continue }
    if isSameText(treeDigest(base, ports.crypto.sha256), patch.baseTree) {
      return PatchBase(isEmbedded: false, files: base) { try files.readRange("\(slot.path)/\($0)", offset: $1, length: $2) }
    }
  }
  let embedded = try findEmbeddedTree(ports, limits)
  if let embedded, let embeddedFiles = ports.embeddedFiles, isSameText(embedded.tree, patch.baseTree) {
    return PatchBase(isEmbedded: true, files: embedded.files, readRange: embeddedFiles.readRange)
  }
  throw PatchError(.baseDiffers, "Expected a patch from what lies here, found one from \(patch.baseTree).")
}
