import { createHash } from 'node:crypto'
import type { App, Release } from '@hotpatch/api'
import { MAX_KIT_MANIFEST_BYTES, readKitManifest, type KitManifest } from '@hotpatch/protocol'
import { proxiedFetch } from '../config/proxy.ts'
import { CommandError } from '../errors/errors.ts'
import { tellKitsForSome } from './kits-for-some.ts'
import type { Session } from '../session/session.ts'
import { findOwnKey } from './choose-key.ts'
import { verifyOldStatement } from './verify-statement.ts'

/** What a publisher has signed of a kit, held against keys that are trusted here. */
export interface VerifiedKit {
  /** As they were signed. */
  bytes: Buffer
  manifest: KitManifest
  /** Of Ed25519, in base64. */
  signature: string
  /** Of the trusted keys, the one that signed it. */
  publicKey: string
  /** That brings it; undefined of one that was asked for by its release. */
  rolloutId?: string
  /** The text of the `.minisig`, where there is one: nobody here has verified it. */
  minisig: string | undefined
}

/** A signature of minisign is the longest. */
const MAX_HEADER_LENGTH = 32_768

/**
 * What is in force for everyone on a channel, as installations get it.
 * @throws CommandError kit-missing, kit-unreadable, or why it is not trusted
 */
export async function kitInForce(session: Session, app: App, channel: string): Promise<VerifiedKit> {
  const { context, url } = session
  const address = `${url.replace(/\/+$/, '')}/apps/${app.slug}/personal-kit/${channel}/latest.json`
  const response = await ask(session, address, app.appKey)
  if (response.status === 404) {
    const message = `There is no kit of ${app.slug} on ${channel} that is for everyone.`
    const others = await tellKitsForSome(session, app, channel, undefined)
    const advice = others ?? `See: ${context.programName} rollouts list --channel ${channel}`
    throw new CommandError('kit-missing', `${message} ${advice}`)
  }
  if (!response.ok) throw unreadable(address, `it answers ${response.status}`)
  const bytes = await readBody(response, address)
  const signatures = readSignatures(response.headers.get('kit-signature') ?? '')
  const value = signatures.find(({ scheme }) => scheme === 'ed25519')?.value
  const minisig = signatures.find(({ scheme }) => scheme === 'minisign')?.value
  const kit = await verify(session, app, {
    statement: bytes.toString('base64'),
    statementSignature: value ?? null,
    minisig: minisig === undefined ? undefined : Buffer.from(minisig, 'base64').toString(),
  })
  const rolloutId = response.headers.get('kit-rollout')
  return rolloutId === null ? kit : { ...kit, rolloutId }
}

/**
 * What was signed when a release was published.
 * @param ownKeys that sign now, wherever they come from
 */
export async function kitOfRelease(
  session: Session,
  app: App,
  release: Release,
  ownKeys: readonly string[] = [],
): Promise<VerifiedKit> {
  const { statement, statementSignature, version } = release
  const signed = { statement, statementSignature, version, minisig: undefined }
  const kit = await verify(session, app, signed, ownKeys)
  const subject = createHash('sha256').update(kit.bytes).digest('hex')
  const found = release.signatures?.find((each) => each.scheme === 'minisign' && each.subject === subject)
  return { ...kit, minisig: found && Buffer.from(found.value, 'base64').toString() }
}

async function verify(
  session: Session,
  app: App,
  signed: Pick<Release, 'statement' | 'statementSignature'> & { version?: string; minisig: string | undefined },
  ownKeys: readonly string[] = [],
): Promise<VerifiedKit> {
  const { version, minisig } = signed
  const own = ownKeys.length > 0 ? undefined : await findOwnKey(session.context, undefined)
  const keys = [...ownKeys, ...(own ? [own.publicKey] : []), ...session.trust.publicKeysFor(app.id)]
  if (keys.length === 0) {
    const message = 'No key is trusted here that a kit could be held against.'
    throw new CommandError(
      'statement-untrusted',
      `${message} Accept its publisher's: ${session.context.programName} trust key KEY --app ${app.slug}`,
    )
  }
  const { publicKey, statement } = verifyOldStatement(signed, { appId: app.id, platform: 'any', version }, keys)
  const bytes = Buffer.from(signed.statement ?? '', 'base64')
  if (statement.content?.kind !== 'kit') {
    throw new CommandError(
      'kit-missing',
      `${statement.version} is no kit, but ${statement.content?.kind ?? 'nothing'}.`,
    )
  }
  const manifest = readKitManifest(bytes.toString('utf8'))
  return { bytes, manifest, signature: signed.statementSignature ?? '', publicKey, minisig }
}

async function ask({ context }: Session, address: string, appKey: string): Promise<Response> {
  try {
    const headers = { 'x-app-key': appKey, 'accept-encoding': 'identity' }
    // The key goes to this server, and to no other.
    return await proxiedFetch(context.env, address)(address, { headers, redirect: 'error', signal: context.signal })
  } catch (cause) {
    context.signal.throwIfAborted()
    throw unreadable(address, cause instanceof Error ? cause.message : String(cause), cause)
  }
}

async function readBody(response: Response, address: string): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    length += chunk.length
    if (length > MAX_KIT_MANIFEST_BYTES) throw unreadable(address, `it has more than ${MAX_KIT_MANIFEST_BYTES} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** Kits §6: `ed25519;keyid="…";sig="…"`, one for each. */
function readSignatures(header: string): { scheme: string; value: string }[] {
  if (header.length > MAX_HEADER_LENGTH) return []
  return header.split(',').flatMap((each) => {
    const [scheme = '', ...fields] = each.trim().split(';')
    const found = fields.map((field) => /^\s*sig="([A-Za-z0-9+/=]+)"\s*$/.exec(field)?.[1]).find((value) => value)
    return found === undefined ? [] : [{ scheme, value: found }]
  })
}

function unreadable(address: string, reason: string, cause?: unknown): CommandError {
  return new CommandError('kit-unreadable', `${address} cannot be read: ${reason}.`, { cause })
}
