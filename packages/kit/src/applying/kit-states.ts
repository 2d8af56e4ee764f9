/** Kits §8.4: where an apply is. */
export const KIT_STATES = [
  'planned',
  'staging',
  'staged',
  'applying',
  'probing',
  'committed',
  'cleaned',
  'reverting',
  'reverted',
  'stuck',
] as const

export type KitState = (typeof KIT_STATES)[number]

/** Kits §8.4: what can happen to it. `killed` is what whoever starts next finds. */
export const KIT_HAPPENINGS = ['done', 'failed', 'killed'] as const

export type KitHappening = (typeof KIT_HAPPENINGS)[number]

/**
 * Kits §8.4: one table for the ordinary way, for failures and for recovery. `committed` is the point of no return: what is
 * killed behind it is finished, and what is killed before is taken back. `stuck` is what could not be taken back after
 * several tries: people have to look, and the next start tries again when they say so.
 */
export const KIT_TRANSITIONS: Readonly<Record<KitState, Readonly<Record<KitHappening, KitState>>>> = {
  planned: { done: 'staging', failed: 'reverted', killed: 'reverted' },
  staging: { done: 'staged', failed: 'reverted', killed: 'staging' },
  staged: { done: 'applying', failed: 'reverted', killed: 'reverted' },
  applying: { done: 'probing', failed: 'reverting', killed: 'reverting' },
  probing: { done: 'committed', failed: 'reverting', killed: 'reverting' },
  committed: { done: 'cleaned', failed: 'committed', killed: 'committed' },
  cleaned: { done: 'cleaned', failed: 'cleaned', killed: 'cleaned' },
  reverting: { done: 'reverted', failed: 'stuck', killed: 'reverting' },
  reverted: { done: 'reverted', failed: 'reverted', killed: 'reverted' },
  stuck: { done: 'reverting', failed: 'stuck', killed: 'stuck' },
}

/** Kits §8.7: what whoever starts next does about an apply that it finds. */
export type Recovery = 'stage-again' | 'take-back' | 'finish' | 'close' | 'wait-for-people'

export function recoveryOf(state: KitState): Recovery {
  switch (KIT_TRANSITIONS[state].killed) {
    case 'staging':
      return 'stage-again'
    case 'reverting':
      return 'take-back'
    case 'reverted':
      return state === 'reverted' ? 'close' : 'take-back'
    case 'committed':
      return 'finish'
    case 'cleaned':
      return 'close'
    case 'stuck':
      return 'wait-for-people'
    case 'planned':
    case 'staged':
    case 'applying':
    case 'probing':
      // Nothing leads back to them.
      return 'take-back'
  }
}
