import { createHash } from 'node:crypto'
import { resolve } from 'node:path'
import type { AddedSignature, App } from '@hotpatch/api'
import { openMinisignSecretKey, type MinisignSecretKey } from '@hotpatch/signatures'
import type { Command } from 'commander'
import { withGroup } from '../arguments/shared-options.ts'
import { CommandError, hasCode, systemReason } from '../errors/errors.ts'
import { readPlainText } from '../files/read-plain-text.ts'
import { createQuestions } from '../output/questions.ts'
import type { CliContext } from '../process/context.ts'
import type { Session } from '../session/session.ts'
import { addFileSignatures, findMinisignKey, listWorkingKeys, MINISIGN } from './file-signatures.ts'
import type { VerifiedKit } from './verified-kit.ts'

export interface MinisignKeyOptions {
  minisignKey?: string
}

/** Signs manifests by minisign, besides: for whoever verifies files with that alone. */
export interface KitSigner {
  key: MinisignSecretKey
  path: string
  /** By which the app knows it. */
  keyId: string
}

const PASSWORD = 'HOTPATCH_MINISIGN_PASSWORD'

export function withMinisignKey(command: Command): Command {
  return withGroup(command, 'Signing:', (grouped) =>
    grouped.option(
      '--minisign-key <file>',
      `signs the manifest by minisign, too; ${PASSWORD} has the password of the key`,
    ),
  )
}

/**
 * The key that was named. Only one that the app takes: the server verifies what it signs.
 * @throws CommandError key-missing, key-unreadable, password-wrong or key-unregistered
 */
export async function chooseKitSigner(
  session: Session,
  app: App,
  { minisignKey }: MinisignKeyOptions,
): Promise<KitSigner | undefined> {
  if (minisignKey === undefined) return undefined
  const path = resolve(session.context.cwd, minisignKey)
  const key = await openKey(session.context, path)
  const registered = findMinisignKey(session, app, await listWorkingKeys(session, app, MINISIGN), key.keyId)
  if (registered.publicKey === key.publicKey) return { key, path, keyId: registered.id }
  const message = `${app.slug} knows another key under the id ${key.keyId} than that in ${path}.`
  throw new CommandError('key-unregistered', `${message} Make a new one: minisign -G`)
}

async function openKey(context: CliContext, path: string): Promise<MinisignSecretKey> {
  const text = await readKey(path)
  let opened = await openMinisignSecretKey(text, context.env[PASSWORD])
  if (opened.kind === 'needs-password') {
    const questions = createQuestions(context)
    questions.requireTerminal(`The key in ${path} has a password`, PASSWORD)
    opened = await openMinisignSecretKey(text, await questions.secret(`Password of ${path}`))
  }
  if (opened.kind === 'opened') return opened.key
  if (opened.kind === 'unreadable') throw new CommandError('key-unreadable', `${path}: ${opened.fault}.`)
  throw new CommandError('password-wrong', `That is not the password of the key in ${path}.`)
}

async function readKey(path: string): Promise<string> {
  try {
    return await readPlainText(path)
  } catch (cause) {
    if (cause instanceof CommandError) throw cause
    if (hasCode(cause, 'ENOENT')) throw new CommandError('key-missing', `There is no file ${path}.`, { cause })
    throw new CommandError('key-unreadable', `${path} cannot be read: ${systemReason(cause)}.`, { cause })
  }
}

/** What was verified is what is signed, to the byte; the server holds it against what it serves. */
export async function signKit(
  session: Session,
  { app, releaseId }: { app: App; releaseId: string },
  { bytes, manifest }: VerifiedKit,
  { key, keyId }: KitSigner,
): Promise<AddedSignature[]> {
  const seconds = Math.floor(session.context.now().getTime() / 1000)
  const text = key.sign(bytes, {
    untrusted: 'signature of a kit release manifest',
    trusted: `timestamp:${seconds}\tfile:latest.json\tversion:${manifest.releaseId}`,
  })
  const subject = createHash('sha256').update(bytes).digest('hex')
  const signature = { scheme: MINISIGN, keyId, value: Buffer.from(text).toString('base64'), subject } as const
  return addFileSignatures(session, { app, releaseId }, [signature])
}
