import { createHash } from 'node:crypto'
import { readKitManifest, UnexpectedJsonError, type CompiledRollout, type KitManifest } from '@hotpatch/protocol'
import type { OfferedRelease, Restatement } from '../../updates/catalog-queries.ts'

/** Kits §6.2: what is served of a kit: what its publisher has signed, to the byte. */
export interface StatedKit {
  /** The exact text. */
  text: string
  sha256: string
  signatures: readonly KitSignature[]
}

export interface KitSignature {
  scheme: 'ed25519' | 'minisign'
  keyId?: string
  /** Of `ed25519` 64 bytes in base64, of `minisign` the text of the .minisig file in base64. */
  value: string
}

export type PlacedKit = Pick<CompiledRollout<OfferedRelease>, 'restated'> & { target: OfferedRelease }

const known = new WeakMap<PlacedKit, StatedKit>()

/**
 * The same object for the same rollout, as nothing of one changes while its catalog stands.
 * @param restatement of the rollout, where that states its release again
 * @throws when it is not what its publisher has signed of this release: what is malformed never leaves the server
 */
export function stateKit(rollout: PlacedKit, restatement: Restatement | undefined): StatedKit {
  const found = known.get(rollout)
  if (found) return found
  const { target, restated } = rollout
  const { statement: text, statementSignature } = restatement ?? target
  const value = statementSignature ?? ''
  if (text === null || !SIGNATURE.test(value) || !isOf(text, target, restated?.sequence ?? target.sequence)) {
    throw new Error(`An answer was stopped that is not as Kits §6 has it: the statement of the kit ${target.id}.`)
  }
  const keyId = restatement ? restated?.keyId : target.keyId
  const sha256 = createHash('sha256').update(text).digest('hex')
  // Signing §10: a release that is stated again has another text, and so another signature.
  const minisigns = target.signatures?.filter(({ scheme, subject }) => scheme === 'minisign' && subject === sha256)
  const signatures: KitSignature[] = [
    { scheme: 'ed25519', ...(keyId && { keyId }), value },
    ...(minisigns?.map((each) => ({ scheme: 'minisign' as const, value: each.value })) ?? []),
  ]
  const stated = { text, sha256, signatures }
  known.set(rollout, stated)
  return stated
}

const SIGNATURE = /^[A-Za-z0-9+/]{86}==$/

function isOf(text: string, { version }: OfferedRelease, sequence: number): boolean {
  const manifest = readManifest(text)
  return manifest?.releaseId === version && manifest.sequence === sequence
}

function readManifest(text: string): KitManifest | undefined {
  try {
    return readKitManifest(text)
  } catch (error) {
    if (error instanceof UnexpectedJsonError) return undefined
    throw error
  }
}
