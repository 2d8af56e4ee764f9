import { hexFromBytes, keyIdOf } from '@hotpatch/protocol'
import type { CryptoPort, FilesPort } from '@hotpatch/device-ground'
import { inspectSlot } from './release-tree.ts'
import type { Settings } from '../ground/settings.ts'
import type { StateStore } from './state-store.ts'
import { isSameRelease } from './stored-state.ts'

/** Engine §8: what of this device's state decides what it takes, in the words of checks and reports. */
export interface ToldTrust {
  highestSequence: number
  floor: number
  trustedKeys: readonly string[]
  heldReleaseId?: string
  embeddedBuiltAt?: number
}

export type TellTrust = () => Promise<ToldTrust>

export function createTrustTeller({
  ports,
  settings,
  store,
  builtAt,
}: {
  ports: { files: FilesPort; crypto: CryptoPort }
  settings: Pick<Settings, 'publicKeys'>
  store: Pick<StateStore, 'current'>
  builtAt: number | null
}): TellTrust {
  let keyIds: Promise<readonly string[]> | undefined

  /** What judging an offer would find there (Engine §4). */
  async function findHeld(): Promise<string | undefined> {
    const { previous, floor } = store.current()
    if (!previous || previous.sequence < floor) return undefined
    // A folder that cannot be read now holds nothing to go back to.
    const found = await inspectSlot(ports, 'previous').catch(() => undefined)
    return isSameRelease(found, previous) ? previous.releaseId : undefined
  }

  return async () => {
    keyIds ??= Promise.all(settings.publicKeys.map((key) => idOf(ports.crypto, key)))
    const trustedKeys = await keyIds
    const heldReleaseId = await findHeld()
    const { highWater, floor } = store.current()
    return {
      highestSequence: highWater,
      floor,
      trustedKeys,
      ...(heldReleaseId !== undefined && { heldReleaseId }),
      ...(builtAt !== null && { embeddedBuiltAt: builtAt }),
    }
  }
}

async function idOf(crypto: CryptoPort, publicKey: Uint8Array): Promise<string> {
  const hasher = crypto.sha256()
  hasher.update(publicKey)
  return keyIdOf(hexFromBytes(await hasher.digest()))
}
