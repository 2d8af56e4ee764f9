import type { NativeEvent } from '../native/messages.ts'
import { UpdateError } from './update-error.ts'

/** What the engine tells, by its type. */
export type OtaEvent =
  | Exclude<NativeEvent, { type: 'failed' | 'edge-refused' }>
  | { type: 'failed'; error: UpdateError; releaseId: string | null }
  /** What an edge said was not believed, or it was not reached: the server is asked. */
  | { type: 'edge-refused'; error: UpdateError }

export type OtaEventOf<Type extends OtaEvent['type']> = Extract<OtaEvent, { type: Type }>

export function eventOf(event: NativeEvent): OtaEvent {
  if (event.type === 'failed') return { type: event.type, error: new UpdateError(event), releaseId: event.releaseId }
  return event.type === 'edge-refused' ? { type: event.type, error: new UpdateError(event) } : event
}
