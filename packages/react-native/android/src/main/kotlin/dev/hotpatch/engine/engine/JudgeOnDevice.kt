package dev.hotpatch.engine.engine

import dev.hotpatch.engine.download.Judgement
import dev.hotpatch.engine.download.JudgementContext
import dev.hotpatch.engine.download.judgeOffer
import dev.hotpatch.engine.ground.UpdateError
import dev.hotpatch.engine.server.Offer
import dev.hotpatch.engine.state.Slot
import dev.hotpatch.engine.state.Source
import dev.hotpatch.engine.state.inspectSlot
import dev.hotpatch.engine.state.isRemembered
import dev.hotpatch.engine.state.isSameRelease
import dev.hotpatch.protocol.SdkCode

/** An offer that may be taken; with a source it is on the device, and nothing has to be fetched. */
internal class JudgedOffer(val judgement: Judgement, val source: Source?)

internal fun judgementContext(context: FlowContext): JudgementContext {
  val state = context.store.current()
  return JudgementContext(
    crypto = context.ports.crypto,
    host = context.ports.host,
    appId = context.settings.config.appId,
    publicKeys = context.settings.publicKeys,
    builtAt = context.builtAt,
    highWater = state.highWater,
    floor = state.floor,
  )
}

/**
 * Engine §4, against what lies here, with its one exception: what is verified in ota/previous may be gone back to.
 * @throws UpdateError
 */
internal fun judgeOnDevice(offer: Offer, context: FlowContext): JudgedOffer {
  val state = context.store.current()
  val identity = releaseOf(offer, 0)
  val held = state.previous?.takeIf {
    isSameRelease(it, identity) &&
      isSameRelease(inspectSlot(context.ports.files, context.ports.crypto, Slot.PREVIOUS), identity)
  }
  val judgement = try {
    judgeOffer(offer, judgementContext(context))
  } catch (error: UpdateError) {
    // The server halted what came after it. Nothing of this answer is trusted but the wish to go back.
    if (error.code != SdkCode.SEQUENCE_TOO_LOW || held == null || held.sequence < state.floor) throw error
    return JudgedOffer(Judgement(held.sequence, 0, null), Source.Previous(held))
  }
  val release = releaseOf(offer, judgement.sequence)
  val failure = state.failed.find { isRemembered(listOf(it), release, release.sequence) }
  if (failure != null) {
    throw UpdateError(failure.code, "${offer.version} failed on this device and is not tried again")
  }
  if (held != null) {
    // Without keys nothing was judged anew: it stays what it was judged to be. Below the floor it has to be fetched.
    val known = release.copy(sequence = maxOf(release.sequence, held.sequence))
    if (known.sequence >= state.floor) return JudgedOffer(judgement, Source.Previous(known))
  }
  if (isSameRelease(state.staged?.release, release)) return JudgedOffer(judgement, state.staged)
  offer.encryption?.let { context.decrypter.judge(it.algorithm, it.keyIds, context.decryptionKeys()) }
  return JudgedOffer(judgement, null)
}
