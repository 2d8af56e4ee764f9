/// What went wrong here: written down with its report, so that it is neither tried nor told again.
final class FailureMemory {
  private let store: StateStore
  private let outbox: Outbox
  private let running: InstalledRelease?
  // What is tried again in this process is told once in it.
  private var told: Set<ExactText> = []

  init(_ store: StateStore, _ outbox: Outbox, running: InstalledRelease?) {
    self.store = store
    self.outbox = outbox
    self.running = running
  }

  /// Of a check or a download; no offer, no blame.
  func remember(_ error: UpdateError, _ offer: Offer?) {
    let code = error.code
    let key = ExactText("\(offer?.releaseId ?? "undefined"):\(code.rawValue)")
    // Being offline is no news of a release; the rest is told once, not at every start.
    if code == .checkFailed || told.contains(key) || isKnown(offer, code) { return }
    told.insert(key)
    let report = NewReport(
      kind: isOfDownload(code) ? .downloadFailed : .failed, releaseId: offer?.releaseId,
      version: offer?.version ?? running?.version ?? embeddedVersion, code: code, detail: error.message)
    let entry = offer.map {
      RememberedRelease(releaseId: $0.releaseId, sequence: 0, sha256: $0.sha256, code: code)
    }
    do {
      try store.commit(reports: [report]) { state in
        guard let entry, !error.isRetryable else { return }
        if code.blamesRelease { state.failed.append(entry) } else { state.refused.append(entry) }
      }
    } catch {
      outbox.keepInMemory(store.newReport(report))
    }
  }

  /// The release is not blamed: its bundle follows.
  func rememberPatch(_ fault: PatchFault, _ offer: Offer, _ patch: OfferedPatch) {
    var tried: [PatchIdentity] = []
    if case .patch(let readable) = patch, fault.isFinal { tried = [pairOf(readable)] }
    let key = ExactText("\(offer.releaseId):patch-failed")
    let isTold = fault.isOfDisk || told.contains(key)
    if isTold && tried.isEmpty { return }
    told.insert(key)
    let report = NewReport(
      kind: .downloadFailed, releaseId: offer.releaseId, version: offer.version, code: .patchFailed,
      detail: "\(fault.reason): \(messageOf(fault.error))")
    do {
      try store.commit(reports: isTold ? [] : [report]) { $0.failedPatches += tried }
    } catch {
      if !isTold { outbox.keepInMemory(store.newReport(report)) }
    }
  }

  /// The offer's patch, unless it failed on this device before.
  func untriedPatch(_ offer: Offer) -> OfferedPatch? {
    guard case .patch(let patch)? = offer.patch else { return offer.patch }
    let isFailed = store.current.failedPatches.contains {
      isSameText($0.baseTree, patch.baseTree) && isSameText($0.tree, patch.tree)
    }
    return isFailed ? nil : offer.patch
  }

  private func isKnown(_ offer: Offer?, _ code: SdkCode) -> Bool {
    guard let identity = offer?.identity else { return false }
    let state = store.current
    return isRemembered(state.failed, identity, sequence: 0)
      || isRemembered(state.refused, identity, sequence: 0, code: code)
  }
}

/// The network's or the server's doing: such a failure says nothing of the release.
private func isOfDownload(_ code: SdkCode) -> Bool {
  switch code {
  case .downloadFailed, .downloadTimeout, .downloadTooLarge, .downloadTruncated: return true
  default: return false
  }
}
