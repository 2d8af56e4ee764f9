package dev.hotpatch.engine.engine

import dev.hotpatch.engine.ground.EngineEvent
import dev.hotpatch.engine.ground.UpdateEvent
import dev.hotpatch.engine.ground.UpdateState
import dev.hotpatch.engine.ground.nextState

/** Engine §2: where the update of this process is, told at every step. */
class UpdateWay(private val emit: (EngineEvent) -> Unit) {
  @Volatile var state = UpdateState.IDLE
    private set

  /** What was offered before can be asked about again; whatever else was under way is over. */
  fun beginCheck() {
    if (state != UpdateState.OFFERED) state = UpdateState.IDLE
    advance(UpdateEvent.CHECK)
  }

  fun advance(event: UpdateEvent, releaseId: String? = null) {
    state = nextState(state, event)
    emit(EngineEvent.State(state, releaseId))
  }
}
