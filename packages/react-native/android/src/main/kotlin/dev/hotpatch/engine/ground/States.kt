package dev.hotpatch.engine.ground

/*
 * Engine §2: the way of one update, as one table.
 *
 * Every update walks it from the top. A device holds at most three at a time: one that is being fetched
 * (idle … verifying), one that waits for the next start (staged), and one that runs (probation, confirmed).
 * Nothing here does anything; UpdateFlow.kt and Launch.kt carry it out.
 */

enum class UpdateState(val text: String) {
  IDLE("idle"),
  CHECKING("checking"),
  OFFERED("offered"),
  DOWNLOADING("downloading"),
  VERIFYING("verifying"),
  STAGED("staged"),
  PROBATION("probation"),
  CONFIRMED("confirmed"),
  ROLLED_BACK("rolled-back"),
}

enum class UpdateEvent(val text: String) {
  CHECK("check"),
  NOTHING_OFFERED("nothing-offered"),
  OFFERED("offered"),
  DOWNLOAD("download"),
  AT_HAND("at-hand"),
  FAILED("failed"),
  REFUSED("refused"),
  DOWNLOADED("downloaded"),
  RESUMED_WRONGLY("resumed-wrongly"),
  LISTED("listed"),
  PATCH_FAILED("patch-failed"),
  VERIFIED("verified"),
  SUPERSEDED("superseded"),
  START("start"),
  START_PROVEN("start-proven"),
  CONFIRM("confirm"),
  STARTS_USED_UP("starts-used-up"),
  DAMAGED("damaged"),
}

class Transition(val from: UpdateState, val event: UpdateEvent, val to: UpdateState)

/** vectors/engine/states.json says what each row means. */
val TRANSITIONS: List<Transition> = listOf(
  Transition(UpdateState.IDLE, UpdateEvent.CHECK, UpdateState.CHECKING),

  Transition(UpdateState.CHECKING, UpdateEvent.NOTHING_OFFERED, UpdateState.IDLE),
  Transition(UpdateState.CHECKING, UpdateEvent.OFFERED, UpdateState.OFFERED),
  Transition(UpdateState.CHECKING, UpdateEvent.REFUSED, UpdateState.IDLE),
  Transition(UpdateState.CHECKING, UpdateEvent.FAILED, UpdateState.IDLE),

  Transition(UpdateState.OFFERED, UpdateEvent.CHECK, UpdateState.CHECKING),
  Transition(UpdateState.OFFERED, UpdateEvent.DOWNLOAD, UpdateState.DOWNLOADING),
  Transition(UpdateState.OFFERED, UpdateEvent.AT_HAND, UpdateState.STAGED),
  Transition(UpdateState.OFFERED, UpdateEvent.FAILED, UpdateState.IDLE),

  Transition(UpdateState.DOWNLOADING, UpdateEvent.DOWNLOADED, UpdateState.VERIFYING),
  Transition(UpdateState.DOWNLOADING, UpdateEvent.PATCH_FAILED, UpdateState.DOWNLOADING),
  Transition(UpdateState.DOWNLOADING, UpdateEvent.FAILED, UpdateState.IDLE),
  Transition(UpdateState.DOWNLOADING, UpdateEvent.REFUSED, UpdateState.IDLE),

  Transition(UpdateState.VERIFYING, UpdateEvent.VERIFIED, UpdateState.STAGED),
  Transition(UpdateState.VERIFYING, UpdateEvent.RESUMED_WRONGLY, UpdateState.DOWNLOADING),
  Transition(UpdateState.VERIFYING, UpdateEvent.LISTED, UpdateState.DOWNLOADING),
  Transition(UpdateState.VERIFYING, UpdateEvent.PATCH_FAILED, UpdateState.DOWNLOADING),
  Transition(UpdateState.VERIFYING, UpdateEvent.FAILED, UpdateState.IDLE),
  Transition(UpdateState.VERIFYING, UpdateEvent.REFUSED, UpdateState.IDLE),

  Transition(UpdateState.STAGED, UpdateEvent.SUPERSEDED, UpdateState.IDLE),
  Transition(UpdateState.STAGED, UpdateEvent.DAMAGED, UpdateState.IDLE),
  Transition(UpdateState.STAGED, UpdateEvent.START, UpdateState.PROBATION),
  Transition(UpdateState.STAGED, UpdateEvent.START_PROVEN, UpdateState.CONFIRMED),

  Transition(UpdateState.PROBATION, UpdateEvent.START, UpdateState.PROBATION),
  Transition(UpdateState.PROBATION, UpdateEvent.CONFIRM, UpdateState.CONFIRMED),
  Transition(UpdateState.PROBATION, UpdateEvent.STARTS_USED_UP, UpdateState.ROLLED_BACK),
  Transition(UpdateState.PROBATION, UpdateEvent.SUPERSEDED, UpdateState.IDLE),
  Transition(UpdateState.PROBATION, UpdateEvent.DAMAGED, UpdateState.IDLE),

  Transition(UpdateState.CONFIRMED, UpdateEvent.CONFIRM, UpdateState.CONFIRMED),
  Transition(UpdateState.CONFIRMED, UpdateEvent.START, UpdateState.CONFIRMED),
  Transition(UpdateState.CONFIRMED, UpdateEvent.STARTS_USED_UP, UpdateState.ROLLED_BACK),
  Transition(UpdateState.CONFIRMED, UpdateEvent.SUPERSEDED, UpdateState.IDLE),
  Transition(UpdateState.CONFIRMED, UpdateEvent.DAMAGED, UpdateState.IDLE),
)

/** Null when the table has no such row. */
fun transition(state: UpdateState, event: UpdateEvent): UpdateState? =
  TRANSITIONS.find { it.from == state && it.event == event }?.to

/** @throws IllegalStateException when the table has no such row: a bug in the engine */
fun nextState(state: UpdateState, event: UpdateEvent): UpdateState = checkNotNull(transition(state, event)) {
  "the state table has no row for \"${event.text}\" in \"${state.text}\""
}
