/// A release that was made in ota/pending/files, and how it came.
struct InstalledOffer {
  var release: InstalledRelease
  var receivedBytes: Int
  var arrival: DownloadArrival
}

/// Engine §4: only now, with the whole bundle verified, does the floor rise, and with it, for what is proven, the mark.
func stage(_ staged: Source, _ judgement: Judgement, _ reports: [NewReport], _ context: FlowContext) throws {
  // A new release has yet to confirm itself: were it to fail, what the device could take before must still be open.
  let proven = staged.isPending ? 0 : judgement.sequence
  try context.store.commit(reports: reports) { state in
    state.staged = staged
    state.fetching = nil
    state.highWater = max(state.highWater, proven)
    state.floor = max(state.floor, judgement.floor)
  }
}

func stageInstalled(
  _ offer: Offer, _ judgement: Judgement, _ installed: InstalledOffer, _ context: FlowContext
) throws {
  let report = NewReport(
    kind: .downloaded, releaseId: offer.releaseId, version: offer.version, receivedBytes: installed.receivedBytes,
    arrival: installed.arrival)
  try stage(.pending(installed.release), judgement, [report], context)
  context.emit(
    .downloaded(
      installed.arrival, receivedBytes: installed.receivedBytes, sizeBytes: offer.sizeBytes,
      releaseId: offer.releaseId))
}

/// The directory of what is staged is about to be emptied.
func makeWay(_ context: FlowContext) throws {
  if context.store.current.staged != nil { try context.store.commit { $0.staged = nil } }
}
