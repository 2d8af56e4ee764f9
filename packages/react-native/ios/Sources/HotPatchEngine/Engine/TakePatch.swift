/// Engine §5: whatever is wrong with a patch, the whole bundle follows, and the release is not blamed.
func takePatch(
  _ offer: Offer, _ judgement: Judgement, _ context: FlowContext
) throws -> (isStaged: Bool, receivedBytes: Int) {
  guard let offered = context.failures.untriedPatch(offer) else { return (false, 0) }
  var receivedBytes = 0
  do {
    guard let (patch, base) = try worthwhilePatch(offered, offer, judgement, context) else { return (false, 0) }
    try context.files.makeDirectory(StorageLayout.pending)
    try expectRoom(context.files, patch.sizeBytes, "the patch")
    let wanted = Wanted(name: "the patch", url: patch.url, sha256: patch.sha256, sizeBytes: patch.sizeBytes)
    receivedBytes = try fetchVerified(wanted, .patch, releaseId: offer.releaseId, isOptional: true, context) {
      receivedBytes = $0
      context.emit(.progress(receivedBytes: $0, sizeBytes: patch.sizeBytes, releaseId: offer.releaseId))
    }
    let release = releaseOf(offer, sequence: judgement.sequence)
    let installation = Installation(
      ports: context.ports, limits: context.settings.limits, download: try openPatch(offer, patch, context),
      release: release, makeWay: { try makeWay(context) })
    try Patcher.install(patch, base, installation)
    let arrival: DownloadArrival = isSameText(patch.baseTree, emptyTree) ? .packed : .patch
    let installed = InstalledOffer(release: release, receivedBytes: receivedBytes, arrival: arrival)
    try stageInstalled(offer, judgement, installed, context)
    return (true, receivedBytes)
  } catch {
    try giveUpPatch(error, offer, offered, context)
    return (false, receivedBytes)
  }
}

/// Nil when less is missing of a bundle that is nearly there.
private func worthwhilePatch(
  _ offered: OfferedPatch, _ offer: Offer, _ judgement: Judgement, _ context: FlowContext
) throws -> (PatchOffer, PatchBase)? {
  switch offered {
  case .unreadable(let cause): throw UpdateError(.answerInvalid, cause.description, cause: cause)
  case .patch(let patch):
    let base = try Patcher.findBase(
      patch, tree: judgement.tree, bundleBytes: offer.sizeBytes, context.ports, context.settings.limits)
    let missing = try missingBytes(bundleOf(offer), .bundle, context.files)
    return missing <= patch.sizeBytes ? nil : (patch, base)
  }
}

/// Encryption §5.
private func openPatch(_ offer: Offer, _ patch: PatchOffer, _ context: FlowContext) throws -> VerifiedDownload {
  let download = VerifiedDownload(path: StorageLayout.pendingPatch, sizeBytes: patch.sizeBytes)
  if offer.encryption == nil { return download }
  let expected = ExpectedInside(
    purpose: .patch, sha256: nil, sizeBytes: nil, tree: patch.tree, baseTree: patch.baseTree)
  return try fileDecrypter.open(
    download, to: StorageLayout.pendingOpenedPatch, expected: expected, keys: context.decryptionKeys(),
    ports: context.ports)
}

private func giveUpPatch(
  _ cause: Error, _ offer: Offer, _ offered: OfferedPatch, _ context: FlowContext
) throws {
  let files = context.files
  let fault = Patcher.judge(cause)
  try context.way.advance(.patchFailed, offer.releaseId)
  context.emit(.patchFailed(reason: fault.reason, error: fault.error, releaseId: offer.releaseId))
  // What could be gone on with stays, should the bundle not come either.
  try? files.remove(StorageLayout.pendingTree)
  try? files.remove(StorageLayout.pendingOpenedPatch)
  if fault.isFinal || fault.isOfDisk { try? discardDownload(.patch, files) }
  context.failures.rememberPatch(fault, offer, offered)
}
