/**
 * Engine §2: the way of one update, as one table.
 *
 * Every update walks it from the top. A device holds at most three at a time: one that is being fetched
 * (idle … verifying), one that waits for the next start (staged), and one that runs (probation, confirmed).
 * Nothing here does anything; engine.ts and launch.ts carry it out.
 */

export type UpdateState =
  | 'idle'
  | 'checking'
  | 'offered'
  | 'downloading'
  | 'verifying'
  | 'staged'
  | 'probation'
  | 'confirmed'
  | 'rolled-back'

export type UpdateEvent =
  | 'check'
  | 'nothing-offered'
  | 'offered'
  | 'download'
  | 'at-hand'
  | 'failed'
  | 'refused'
  | 'downloaded'
  | 'resumed-wrongly'
  | 'listed'
  | 'patch-failed'
  | 'verified'
  | 'superseded'
  | 'start'
  | 'start-proven'
  | 'confirm'
  | 'starts-used-up'
  | 'damaged'

type Transition = readonly [from: UpdateState, event: UpdateEvent, to: UpdateState, meaning: string]

export const TRANSITIONS: readonly Transition[] = [
  ['idle', 'check', 'checking', 'asks the server'],

  ['checking', 'nothing-offered', 'idle', 'what was staged is dropped: the server took it back'],
  ['checking', 'offered', 'offered', 'statement and signatures are judged before the first byte is fetched'],
  ['checking', 'refused', 'idle', 'reported; what runs goes on'],
  ['checking', 'failed', 'idle', 'no usable answer'],

  ['offered', 'check', 'checking', 'asks again'],
  ['offered', 'download', 'downloading', 'into ota/pending/bundle.zip, or of the kind files the list of them'],
  ['offered', 'at-hand', 'staged', 'embedded, what is in ota/previous or staged already: nothing to download'],
  ['offered', 'failed', 'idle', 'it could not be noted'],

  [
    'downloading',
    'downloaded',
    'verifying',
    'exactly the announced number of bytes; of files, each is verified as it comes',
  ],
  ['downloading', 'patch-failed', 'downloading', 'reported; the whole bundle follows'],
  ['downloading', 'failed', 'idle', 'reported; what has arrived is kept and resumed'],
  ['downloading', 'refused', 'idle', 'reported; what has arrived is removed'],

  ['verifying', 'verified', 'staged', 'whole and durable, in ota/pending/files; the floor rises'],
  ['verifying', 'resumed-wrongly', 'downloading', 'the kept part was not what it seemed: once more from its start'],
  ['verifying', 'listed', 'downloading', 'the list of files is verified: those that are not on the device follow'],
  ['verifying', 'patch-failed', 'downloading', 'reported; the whole bundle follows'],
  ['verifying', 'failed', 'idle', 'reported; removed'],
  ['verifying', 'refused', 'idle', 'reported; removed'],

  ['staged', 'superseded', 'idle', 'another update was staged, or the server took this one back'],
  ['staged', 'damaged', 'idle', 'reported; what ran before is started'],
  ['staged', 'start', 'probation', 'moved to ota/bundle; what ran before moves to ota/previous if it was confirmed'],
  ['staged', 'start-proven', 'confirmed', 'moved back from ota/previous: it was confirmed on this device'],

  ['probation', 'start', 'probation', 'counted, durably, before it is started'],
  [
    'probation',
    'confirm',
    'confirmed',
    'the app is ready: reported, the counter is cleared, the high-water mark rises',
  ],
  ['probation', 'starts-used-up', 'rolled-back', 'reported, never tried again; ota/previous or embedded takes over'],
  ['probation', 'superseded', 'idle', 'a staged update takes its place; it never becomes ota/previous'],
  ['probation', 'damaged', 'idle', 'reported; ota/previous or embedded takes over'],

  ['confirmed', 'confirm', 'confirmed', 'ready: what was noted of bad starts is void'],
  ['confirmed', 'start', 'confirmed', 'noted, without waiting for the disk'],
  [
    'confirmed',
    'starts-used-up',
    'rolled-back',
    'several in a row ended badly: reported, never tried again; ota/previous or embedded takes over',
  ],
  ['confirmed', 'superseded', 'idle', 'becomes ota/previous'],
  ['confirmed', 'damaged', 'idle', 'reported; ota/previous or embedded takes over'],
]

/** Undefined when the table has no such row. */
export function transition(state: UpdateState, event: UpdateEvent): UpdateState | undefined {
  return TRANSITIONS.find(([from, on]) => from === state && on === event)?.[2]
}

/** @throws when the table has no such row: a bug in the engine */
export function nextState(state: UpdateState, event: UpdateEvent): UpdateState {
  const next = transition(state, event)
  if (!next) throw new Error(`the state table has no row for "${event}" in "${state}"`)
  return next
}
