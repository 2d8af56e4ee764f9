import { createHash } from 'node:crypto'
import type { App, Release } from '@hotpatch/api'
import type { Platform } from '@hotpatch/protocol'
import { proxiedFetch } from '../config/proxy.ts'
import { CommandError, rootReason } from '../errors/errors.ts'
import type { Session } from '../session/session.ts'
import { findOwnKey } from '../signing/choose-key.ts'
import { StatementRefused, verifyOldStatement } from '../signing/verify-statement.ts'
import type { AnswerSigner } from './choose-answer-key.ts'
import { againOf, readSignableUpdate, type SignableUpdate } from './signable-update.ts'

/** Or why there is none: a sentence. */
export type FoundSignable = { update: SignableUpdate } | { reason: string }

const MAX_BYTES = 16 * 1024 * 1024

/**
 * A release that is there, to be signed again. What it is the server only tells: so it has to be what this key signed
 * before, or what the release's own statement says, signed by a key that is trusted here.
 */
export async function findSignable(
  session: Session,
  { app, platform, release }: { app: App; platform: Platform; release: Release },
  signer: AnswerSigner,
): Promise<FoundSignable> {
  const { version, content, requirement } = release
  if (content.kind !== 'files') return { reason: `${version} is no export of Expo's.` }
  const { runtimeVersion } = requirement
  if (runtimeVersion === undefined) {
    return { reason: `${version} names no runtime version, and each manifest is of one.` }
  }
  const before = await findBefore(session, { app, platform, release, runtimeVersion }, signer)
  return before ? { update: before } : findStated(session, { app, platform, release }, content)
}

async function findBefore(
  { api }: Session,
  { app, platform, release, runtimeVersion }: FindingOf & { runtimeVersion: string },
  { key }: AnswerSigner,
): Promise<SignableUpdate | undefined> {
  if (release.content.kind !== 'files' || (platform !== 'android' && platform !== 'ios')) return undefined
  const { items } = await api.listSignedAnswers(app.id, { platform, sha256: release.content.sha256 })
  const known = items.find((item) => item.keyId === key.keyId && item.runtimeVersion === runtimeVersion)
  if (!known) return undefined
  const { body, signature } = await api.getSignedAnswer(app.id, known.id)
  const again = key.hasSigned(body, signature) ? againOf(release.version, body) : undefined
  return again?.runtimeVersion === runtimeVersion ? again : undefined
}

interface FindingOf {
  app: App
  platform: Platform
  release: Release
}

async function findStated(
  session: Session,
  { app, platform, release }: FindingOf,
  { sha256, downloadUrl }: { sha256: string; downloadUrl: string },
): Promise<FoundSignable> {
  const { version } = release
  const own = await findOwnKey(session.context, undefined)
  const keys = [...(own ? [own.publicKey] : []), ...session.trust.publicKeysFor(app.id)]
  try {
    const { statement } = verifyOldStatement(release, { appId: app.id, platform, version }, keys)
    const { artifacts, requirement } = statement
    const { runtimeVersion } = requirement
    if (runtimeVersion === undefined || !artifacts.some((artifact) => artifact.sha256 === sha256)) {
      return { reason: `${version}: its statement is not about what the server shows.` }
    }
    const base = downloadUrl.slice(0, downloadUrl.lastIndexOf('/'))
    const update = await readSignableUpdate({ version, sha256, runtimeVersion }, (wanted) =>
      fetchText(session, `${base}/${wanted}`, wanted),
    )
    return update ? { update } : { reason: `${version} is no export of Expo's.` }
  } catch (error) {
    if (!(error instanceof StatementRefused)) throw error
    return { reason: `This key never signed ${version}, and that it is yours nothing shows: publish it again.` }
  }
}

async function fetchText({ context }: Session, url: string, sha256: string): Promise<string> {
  const bytes = await fetchBytes(context, url)
  const found = createHash('sha256').update(bytes).digest('hex')
  if (found === sha256) return bytes.toString('utf8')
  throw new CommandError('hash-mismatch', `${url}: expected bytes with this SHA-256, found ${found}. Nothing was sent.`)
}

async function fetchBytes({ env, signal }: Session['context'], url: string): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let sizeBytes = 0
  try {
    const response = await proxiedFetch(env, url)(url, { signal })
    if (!response.ok || !response.body) throw new Error(`it answers ${response.status}`)
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      chunks.push(chunk)
      sizeBytes += chunk.length
      if (sizeBytes > MAX_BYTES) throw new Error(`it has more than ${MAX_BYTES} bytes`)
    }
  } catch (cause) {
    throw new CommandError('url-unreadable', `${url} cannot be fetched: ${rootReason(cause)}.`, { cause })
  }
  return Buffer.concat(chunks)
}
