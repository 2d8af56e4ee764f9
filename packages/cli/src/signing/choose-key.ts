import type { App, SigningKey } from '@hotpatch/api'
import type { KeyOptions } from '../arguments/shared-options.ts'
import { readStandardInput } from '../arguments/standard-input.ts'
import type { CliContext } from '../process/context.ts'
import { CommandError, UsageError } from '../errors/errors.ts'
import type { Session } from '../session/session.ts'
import { findSigningKey, getSigningKey, keyPath, signingKeyOf, type SigningKeyPair } from './signing-key.ts'

/** How a release will be signed. */
export type SigningChoice =
  | { kind: 'unsigned'; reason: string }
  /** `isFirst`: publishing registers it, and from then on the app takes signed releases only. */
  | { kind: 'signed'; key: SigningKeyPair; isFirst: boolean }

export async function chooseKey(session: Session, app: App, options: KeyOptions): Promise<SigningChoice> {
  const key = await findKey(session, options)
  if (!key) {
    const reason = options.sign === false ? '--no-sign' : `there is no key at ${keyPath(session.context, undefined)}`
    if (app.signing === 'optional') return { kind: 'unsigned', reason }
    const program = session.context.programName
    throw new CommandError(
      'signature-required',
      `${app.slug} takes signed releases only, and this one would not be signed: ${reason}. ` +
        `Give --key FILE, or make a key with "${program} keys generate" and have it added with "${program} keys add".`,
    )
  }
  const { items: keys } = await session.api.listKeys(app.id)
  // Keys that were revoked count, too: only an app that never had one takes whichever comes first.
  if (keys.length === 0 || isRegistered(keys, key.publicKey)) return { kind: 'signed', key, isFirst: keys.length === 0 }
  throw new CommandError(
    'key-not-registered',
    `${app.slug} has signing keys, but not this one (${key.fingerprint}, ${key.path}). ` +
      `Somebody who may do so can add it: ${session.context.programName} keys add ${key.publicKey} --app ${app.slug}`,
  )
}

async function findKey(session: Session, options: KeyOptions): Promise<SigningKeyPair | undefined> {
  if (options.sign === false && options.key !== undefined) throw new UsageError('Give --key or --no-sign, not both.')
  if (options.sign === false) return undefined
  return findOwnKey(session.context, options.key)
}

/** `--key`, where "-" is stdin, else HOTPATCH_SIGNING_KEY, else the user's own file. */
export async function findOwnKey(context: CliContext, option: string | undefined): Promise<SigningKeyPair | undefined> {
  if (option === '-') {
    return signingKeyOf(await readStandardInput(context.stdin, 'a signing key'), 'standard input')
  }
  if (option !== undefined) return getSigningKey(keyPath(context, option))
  const inEnvironment = context.env.HOTPATCH_SIGNING_KEY
  if (inEnvironment !== undefined) return signingKeyOf(inEnvironment, 'HOTPATCH_SIGNING_KEY')
  return findSigningKey(keyPath(context, undefined))
}

export function isRegistered(keys: readonly SigningKey[], publicKey: string): boolean {
  return keys.some((key) => key.publicKey === publicKey && key.revokedAt === null)
}
