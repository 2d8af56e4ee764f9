/// What the last check found, judged: the judgement is not repeated, so it lives no longer than the process.
private enum Offered {
  case release(Offer, JudgedOffer)
  case embedded(EmbeddedOrder, Judgement)

  var offer: Offer? {
    if case .release(let offer, _) = self { return offer }
    return nil
  }
}

/// Engine §2, upper half of the table: from a question to a staged update.
final class UpdateFlow {
  private let context: FlowContext
  private var offered: Offered?

  init(_ context: FlowContext) {
    self.context = context
  }

  func check() -> UpdateOutcome {
    offered = nil
    var offer: Offer?
    do {
      try context.way.beginCheck()
      let answer = try context.source.check(checkRequest(), running: context.running?.sequence, onRefused: noteRefusal)
      if case .offer(let found) = answer { offer = found }
      return try takeAnswer(answer)
    } catch {
      return fail(error, offer)
    }
  }

  /// The server has the last word, and hears of it.
  private func noteRefusal(_ error: UpdateError) {
    context.emit(.edgeRefused(error))
    context.failures.remember(error, nil)
  }

  func download() -> UpdateOutcome {
    if let offered { return take(offered) }
    let outcome = check()
    return offered.map(take) ?? outcome
  }

  private func take(_ target: Offered) -> UpdateOutcome {
    offered = nil
    do {
      switch target {
      case .embedded(let order, let judgement): return try takeEmbedded(order, judgement)
      case .release(let offer, let judged): return try takeRelease(offer, judged)
      }
    } catch {
      try? clearPending(asUpdateError(error))  // Tidying; the next download does it again.
      return fail(error, target.offer)
    }
  }

  private func checkRequest() -> ToldCheck {
    let trust = context.trust.tell()
    var told = ToldCheck(
      version: context.ports.host.nativeVersion, releaseId: nil,
      failedReleaseIds: context.store.current.failed.map(\.releaseId), trust: trust, embeddedUpdateId: nil,
      patches: Patcher.formats(context.ports))
    if let running = context.running {
      told.version = running.version
      told.releaseId = running.releaseId
    } else {
      // A binary that cannot be read is no reason not to ask.
      let found = try? findEmbeddedTree(context.ports, context.settings.limits)
      told.embeddedUpdateId = found?.tree
    }
    return told
  }

  private func takeAnswer(_ answer: CheckAnswer) throws -> UpdateOutcome {
    switch answer {
    case .nothing(let reason, let nativeUpdate): return try nothingOffered(reason, nativeUpdate)
    case .embedded(let order):
      if context.running == nil { return try nothingOffered(order.reason) }
      let judgement = try judgeEmbeddedOrder(order, judgementContext(context))
      offered = .embedded(order, judgement)
      try context.way.advance(.offered)
      return .availableEmbedded(mandatory: order.mandatory, reason: order.reason)
    case .offer(let offer): return try takeOffer(offer)
    }
  }

  private func takeOffer(_ offer: Offer) throws -> UpdateOutcome {
    if let running = context.running, isSameText(running.releaseId, offer.releaseId) {
      return try nothingOffered("runs-the-target")
    }
    let judged = try judgeOnDevice(offer, context)
    offered = .release(offer, judged)
    try context.way.advance(.offered, offer.releaseId)
    var expectedBytes = offer.encryption?.sizeBytes
    if case .patch(let patch)? = context.failures.untriedPatch(offer), isSameText(patch.tree, judged.judgement.tree) {
      expectedBytes = patch.sizeBytes
    }
    return .available(
      AvailableUpdate(
        releaseId: offer.releaseId, version: offer.version, mandatory: offer.mandatory, sizeBytes: offer.sizeBytes,
        expectedBytes: expectedBytes, notes: offer.notes))
  }

  private func nothingOffered(_ reason: String, _ nativeUpdate: NativeUpdate? = nil) throws -> UpdateOutcome {
    if context.store.current.staged != nil { try context.store.commit { $0.staged = nil } }
    try context.way.advance(.nothingOffered)
    return .upToDate(reason: reason, nativeUpdate: nativeUpdate)
  }

  private func takeEmbedded(_ order: EmbeddedOrder, _ judgement: Judgement) throws -> UpdateOutcome {
    try stage(.embedded, judgement, [], context)
    try context.way.advance(.atHand)
    return .staged(releaseId: nil, version: context.ports.host.nativeVersion, mandatory: order.mandatory)
  }

  private func takeRelease(_ offer: Offer, _ judged: JudgedOffer) throws -> UpdateOutcome {
    let (way, judgement) = (context.way, judged.judgement)
    if let source = judged.source {
      try stage(source, judgement, [], context)
      try way.advance(.atHand, offer.releaseId)
    } else {
      try way.advance(.download, offer.releaseId)
      try noteBeginning(offer)
      let patched = try takePatch(offer, judgement, context)
      if !patched.isStaged {
        try takeBundle(offer, judgement, earlierBytes: patched.receivedBytes, context)
      }
      try way.advance(.verified, offer.releaseId)
      try? removeLeftOver()  // It is staged; what is left over is removed next time.
    }
    return .staged(releaseId: offer.releaseId, version: offer.version, mandatory: offer.mandatory)
  }

  private func noteBeginning(_ offer: Offer) throws {
    let isAllowed = isAllowedAddress(offer.bundleUrl, context.settings.config.allowInsecure)
    if !isAllowed || isSameRelease(context.store.current.fetching, offer.identity) { return }
    let report = NewReport(kind: .downloadStarted, releaseId: offer.releaseId, version: offer.version)
    try context.store.commit(reports: [report]) { $0.fetching = offer.identity }
  }

  /// What could be resumed is kept, except on a full disk: the app needs the room more.
  private func clearPending(_ error: UpdateError) throws {
    switch error.code {
    case .downloadFailed, .downloadTruncated, .downloadTimeout: return
    default: break
    }
    try removeLeftOver()
    if context.store.current.staged?.isPending != true { try context.files.remove(Slot.pending.path) }
  }

  private func removeLeftOver() throws {
    for path in StorageLayout.leftOver { try context.files.remove(path) }
  }

  /// Engine §7: whatever is refused is reported, and what runs goes on.
  private func fail(_ cause: Error, _ offer: Offer?) -> UpdateOutcome {
    let error = asUpdateError(cause)
    let releaseId = offer?.releaseId
    let isRefused = !error.isRetryable && context.way.state != .offered
    // Every state in which something is done has a row for it.
    try? context.way.advance(isRefused ? .refused : .failed, releaseId)
    context.emit(.failed(error, releaseId: releaseId))
    context.failures.remember(error, offer)
    return .failed(error, releaseId: releaseId)
  }
}
