import type { Decrypter } from '../decrypt/decrypter.ts'
import { judgeOffer, type Judgement, type JudgementContext } from '../download/judge-offer.ts'
import { UpdateError } from '../ground/update-error.ts'
import type { Offer } from '../server/update-contract.ts'
import { inspectSlot } from '../state/release-tree.ts'
import { isRemembered, isSameRelease, type Source } from '../state/stored-state.ts'
import type { UpdateFlowContext } from './flow-context.ts'
import { identityOf } from './offer-parts.ts'

/** An offer that may be taken; with a source it is on the device, and nothing has to be fetched. */
export interface JudgedOffer {
  judgement: Judgement
  source: Source | null
}

export function judgementContext({ ports, settings, builtAt, store }: UpdateFlowContext): JudgementContext {
  return { crypto: ports.crypto, host: ports.host, settings, builtAt, state: store.current() }
}

/**
 * Engine §4, against what lies here, with its one exception: what is verified in ota/previous may be gone back to.
 * @throws UpdateError
 */
export async function judgeOnDevice(offer: Offer, context: UpdateFlowContext): Promise<JudgedOffer> {
  const { ports, store } = context
  const { staged, previous, failed } = store.current()
  const previousIsOffered = isSameRelease(previous, offer) && isSameRelease(await inspectSlot(ports, 'previous'), offer)
  let judgement: Judgement
  try {
    judgement = await judgeOffer(offer, judgementContext(context))
  } catch (error) {
    // The server halted what came after it. Nothing of this answer is trusted but the wish to go back.
    const isTooLow = error instanceof UpdateError && error.code === 'sequence-too-low'
    if (!isTooLow || !previous || !previousIsOffered || previous.sequence < store.current().floor) throw error
    return {
      judgement: { sequence: previous.sequence, floor: 0, tree: null },
      source: { from: 'previous', release: previous },
    }
  }
  const release = { ...identityOf(offer), sequence: judgement.sequence }
  const failure = failed.find((entry) => isRemembered([entry], release))
  if (failure) throw new UpdateError(failure.code, `${offer.version} failed on this device and is not tried again`)
  if (previous && previousIsOffered) {
    // Without keys nothing was judged anew: it stays what it was judged to be. Below the floor it has to be fetched.
    const known = { ...release, sequence: Math.max(release.sequence, previous.sequence) }
    if (known.sequence >= store.current().floor) return { judgement, source: { from: 'previous', release: known } }
  }
  if (isSameRelease(staged?.release, offer)) return { judgement, source: staged }
  if (offer.encryption) getDecrypter(context).judge(offer.encryption, await context.decryptionKeys())
  return { judgement, source: null }
}

/** @throws UpdateError 'encryption-unknown' */
export function getDecrypter({ decrypter }: Pick<UpdateFlowContext, 'decrypter'>): Decrypter {
  if (decrypter) return decrypter
  throw new UpdateError('encryption-unknown', 'this engine takes nothing that is encrypted')
}
