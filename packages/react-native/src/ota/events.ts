import type { NativeEvent } from '../native/messages.ts'
import { UpdateError } from './update-error.ts'

/** What the engine tells, by its type. */
export type OtaEvent =
  | Exclude<NativeEvent, { type: 'failed' }>
  | { type: 'failed'; error: UpdateError; releaseId: string | null }

export type OtaEventOf<Type extends OtaEvent['type']> = Extract<OtaEvent, { type: Type }>

export function eventOf(event: NativeEvent): OtaEvent {
  if (event.type !== 'failed') return event
  return { type: 'failed', error: new UpdateError(event), releaseId: event.releaseId }
}
