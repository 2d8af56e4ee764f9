/// An offer that may be taken; with a source it is on the device, and nothing has to be fetched.
struct JudgedOffer {
  var judgement: Judgement
  var source: Source?
}

func judgementContext(_ context: FlowContext) -> JudgementContext {
  let state = context.store.current
  return JudgementContext(
    crypto: context.ports.crypto, host: context.ports.host, publicKeys: context.settings.publicKeys,
    appId: context.settings.config.appId, builtAt: context.builtAt, highWater: state.highWater, floor: state.floor)
}

/// Engine §4, against what lies here, with its one exception: what is verified in ota/previous may be gone back to.
/// Throws UpdateError.
func judgeOnDevice(_ offer: Offer, _ context: FlowContext) throws -> JudgedOffer {
  let state = context.store.current
  let held = try heldInPrevious(offer, state, context)
  let judgement: Judgement
  do {
    judgement = try judgeOffer(offer, judgementContext(context))
  } catch let error as UpdateError where error.code == .sequenceTooLow {
    // The server halted what came after it. Nothing of this answer is trusted but the wish to go back.
    guard let held, held.sequence >= state.floor else { throw error }
    return JudgedOffer(
      judgement: Judgement(sequence: held.sequence, floor: 0, tree: nil), source: .previous(held))
  }
  if let failure = state.failed.first(where: {
    isRemembered([$0], offer.identity, sequence: judgement.sequence)
  }) {
    throw UpdateError(failure.code, "\(offer.version) failed on this device and is not tried again")
  }
  if let held {
    // Without keys nothing was judged anew: it stays what it was judged to be. Below the floor it has to be fetched.
    let known = releaseOf(offer, sequence: max(judgement.sequence, held.sequence))
    if known.sequence >= state.floor { return JudgedOffer(judgement: judgement, source: .previous(known)) }
  }
  if isSameRelease(state.staged?.release?.identity, offer.identity) {
    return JudgedOffer(judgement: judgement, source: state.staged)
  }
  if let encryption = offer.encryption { try fileDecrypter.judge(encryption, context.decryptionKeys()) }
  return JudgedOffer(judgement: judgement, source: nil)
}

/// What is offered, where it lies in ota/previous.
private func heldInPrevious(_ offer: Offer, _ state: StoredState, _ context: FlowContext) throws -> InstalledRelease? {
  guard let previous = state.previous, isSameRelease(previous.identity, offer.identity) else { return nil }
  let found = try inspectSlot(context.files, context.ports.crypto, .previous)
  return isSameRelease(found?.identity, offer.identity) ? previous : nil
}
