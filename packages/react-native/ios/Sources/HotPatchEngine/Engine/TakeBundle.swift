/// From an offer to a staged release, by its whole bundle. `earlierBytes` came of its patch, for nothing.
func takeBundle(_ offer: Offer, _ judgement: Judgement, earlierBytes: Int, _ context: FlowContext) throws {
  try makeRoom(offer, context)
  let releaseId = offer.releaseId
  let bundle = bundleOf(offer)
  let receivedBytes = try fetchVerified(bundle, .bundle, releaseId: releaseId, context) { received in
    context.emit(.progress(receivedBytes: received, sizeBytes: bundle.sizeBytes, releaseId: releaseId))
  }
  let release = releaseOf(offer, sequence: judgement.sequence)
  try installArchive(
    Installation(
      ports: context.ports, limits: context.settings.limits, download: try openBundle(offer, judgement, context),
      release: release, makeWay: { try makeWay(context) }))
  let installed = InstalledOffer(release: release, receivedBytes: earlierBytes + receivedBytes, arrival: .whole)
  try stageInstalled(offer, judgement, installed, context)
}

private func makeRoom(_ offer: Offer, _ context: FlowContext) throws {
  let most = context.settings.limits.bundleBytes
  let sizeBytes = bundleOf(offer).sizeBytes
  let largest = max(sizeBytes, offer.sizeBytes)
  if largest > most {
    throw UpdateError(.downloadTooLarge, "\(largest) bytes are more than the limit \(most)")
  }
  try context.files.makeDirectory(StorageLayout.pending)
  let needed = offer.encryption == nil ? sizeBytes : sizeBytes + offer.sizeBytes
  try expectRoom(context.files, needed, "the bundle")
}

/// Encryption §5: what is at hand when the digest of what came was verified.
private func openBundle(_ offer: Offer, _ judgement: Judgement, _ context: FlowContext) throws -> VerifiedDownload {
  guard let encryption = offer.encryption else {
    return VerifiedDownload(path: StorageLayout.pendingZip, sizeBytes: offer.sizeBytes)
  }
  let download = VerifiedDownload(path: StorageLayout.pendingZip, sizeBytes: encryption.sizeBytes)
  let expected = ExpectedInside(
    purpose: .archive, sha256: offer.sha256, sizeBytes: offer.sizeBytes, tree: judgement.tree, baseTree: nil)
  return try fileDecrypter.open(
    download, to: StorageLayout.pendingOpened, expected: expected, keys: context.decryptionKeys(),
    ports: context.ports)
}
