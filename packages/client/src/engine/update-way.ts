import type { EngineEvent } from '../ground/engine-event.ts'
import { nextState, type UpdateEvent, type UpdateState } from '../ground/states.ts'

export interface UpdateWay {
  state(): UpdateState
  /** What was offered before can be asked about again; whatever else was under way is over. */
  beginCheck(): void
  advance(event: UpdateEvent, releaseId?: string | null): void
}

/** Engine §2: where the update of this process is, told at every step. */
export function createUpdateWay(emit: (event: EngineEvent) => void): UpdateWay {
  let state: UpdateState = 'idle'

  function advance(event: UpdateEvent, releaseId: string | null = null): void {
    state = nextState(state, event)
    emit({ type: 'state', state, releaseId })
  }

  return {
    state: () => state,
    beginCheck() {
      if (state !== 'offered') state = 'idle'
      advance('check')
    },
    advance,
  }
}
