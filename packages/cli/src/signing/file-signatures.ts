import type { AddedSignature, App, SigningKey } from '@hotpatch/api'
import { readMinisignKey } from '@hotpatch/signatures'
import { CommandError } from '../errors/errors.ts'
import type { Session } from '../session/session.ts'
import { persistently } from '../upload/retry.ts'

export const MINISIGN = 'minisign'
export const SPARKLE = 'sparkle-ed25519'

/** Made by a tool of others, of one file of a release; held against the key, and sent as it came. */
export interface FileSignature {
  scheme: typeof MINISIGN | typeof SPARKLE
  /** Of the key, by which the app knows it. */
  keyId: string
  value: string
}

/** One of a file with these bytes. */
export type SubjectSignature = FileSignature & { subject: string }

export async function listWorkingKeys({ api }: Session, app: App, scheme: FileSignature['scheme']) {
  return (await api.listKeys(app.id, scheme)).items.filter(({ revokedAt }) => revokedAt === null)
}

/**
 * Of the keys that the app takes, the one that a signature names.
 * @throws CommandError key-unregistered
 */
export function findMinisignKey({ context }: Session, app: App, keys: readonly SigningKey[], named: string) {
  const key = keys.find(({ publicKey }) => readMinisignKey(publicKey)?.keyId === named)
  if (key) return key
  const add = `${context.programName} keys add --minisign FILE.pub --app ${app.slug}`
  const message = `${app.slug} does not know the minisign key ${named}. Add its public half: ${add}`
  throw new CommandError('key-unregistered', message)
}

/** All that is there is kept as it is: the same again changes nothing. */
export async function addFileSignatures(
  session: Session,
  { app, releaseId }: { app: App; releaseId: string },
  signatures: readonly SubjectSignature[],
): Promise<AddedSignature[]> {
  const added: AddedSignature[] = []
  const byKey = Map.groupBy(signatures, ({ scheme, keyId }) => `${scheme} ${keyId}`)
  for (const ofKey of byKey.values()) {
    const [first] = ofKey
    if (!first) continue
    const { scheme, keyId } = first
    const body = { scheme, keyId, signatures: ofKey.map(({ subject, value }) => ({ subject, value })) }
    added.push(...(await persistently(session, () => session.api.addSignatures(app.id, releaseId, body))).items)
  }
  return added
}
