import { MAX_RECIPIENTS, type EncryptionKey } from '@hotpatch/protocol'
import { InvalidArgumentError, type Command } from 'commander'
import { withGroup } from '../arguments/shared-options.ts'
import { encryptionKeyOf, onceEach } from '../config/encryption-recipients.ts'
import { UsageError } from '../errors/errors.ts'
import type { Session } from '../session/session.ts'
import { encryptionKeyPath, readEncryptionKey } from './encryption-key.ts'

export interface RecipientOptions {
  /** True after `--encrypt`, false after `--no-encrypt`. */
  encrypt?: boolean
  encryptFor?: readonly EncryptionKey[]
}

export function withRecipients(command: Command): Command {
  return withGroup(command, 'Encryption:', (grouped) =>
    grouped
      .option('--encrypt', 'encrypt it, for encryptFor of hotpatch.json or your own encryption key')
      .option('--no-encrypt', 'publish it as it is, although hotpatch.json has encryptFor')
      .option('--encrypt-for <keys>', 'encrypt it for these public keys, with commas between', readRecipients),
  )
}

/** @throws InvalidArgumentError */
export function readRecipients(text: string): EncryptionKey[] {
  const keys = text.split(',').map((each) => encryptionKeyOf(each.trim()))
  const known = keys.flatMap((key) => key ?? [])
  if (known.length === keys.length && known.length <= MAX_RECIPIENTS) return onceEach(known)
  const expected = `Expected up to ${MAX_RECIPIENTS} public keys in base64, each of 32 bytes, with commas between`
  throw new InvalidArgumentError(`${expected}: see encryption-keys show.`)
}

/** Undefined: it is published as it is. @throws UsageError or CommandError key-missing */
export async function chooseRecipients(
  { project, context }: Pick<Session, 'project' | 'context'>,
  { encrypt, encryptFor }: RecipientOptions,
): Promise<readonly EncryptionKey[] | undefined> {
  if (encrypt === false && encryptFor) throw new UsageError('Give --encrypt-for or --no-encrypt, not both.')
  if (encrypt === false) return undefined
  const named = encryptFor ?? project?.encryptFor
  if (named || !encrypt) return named
  const { keyId, publicKey } = await readEncryptionKey(encryptionKeyPath(context, undefined))
  return [{ keyId, publicKey: Buffer.from(publicKey, 'base64') }]
}
