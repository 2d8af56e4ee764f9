import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { App, Release } from '@hotpatch/api'
import { STATED_EMBEDDED, type Platform } from '@hotpatch/protocol'
import { given } from '../arguments/given.ts'
import type { RestatingOptions } from '../arguments/shared-options.ts'
import { stateFile } from '../content/kinds.ts'
import { digestOfFile } from '../content/digest-of-file.ts'
import { CommandError, systemReason, UsageError } from '../errors/errors.ts'
import type { Session } from '../session/session.ts'
import { chooseKey, type SigningChoice } from './choose-key.ts'
import type { SignedStatement, StatementContent } from './sign-statement.ts'
import { fingerprintOf, type SigningKeyPair } from './signing-key.ts'
import {
  carryOutSigning,
  planSigning,
  signingJson,
  signingLines,
  trustedKeys,
  type SigningPlan,
} from './signing-plan.ts'
import { StatementRefused, verifyOldStatement, type VerifiedStatement } from './verify-statement.ts'

/** An old release, or what the binary shipped with, and what the user called it. */
export interface OldTarget {
  app: App
  platform: Platform
  /** Where it goes: of a kit the statement says it (Kits §1.2). */
  channel: string
  /** Undefined: what the binary shipped with. */
  release: Release | undefined
  /** As the user named it. Undefined where the server chose, as it does for a guard's way back. */
  version?: string | undefined
  /** Nobody will look at the plan: without a version it is not signed. */
  mustBeNamed?: boolean
}

type SignedJson = ReturnType<typeof signingJson>

export type Restatement = { kind: 'unsigned'; reason: string } | { kind: 'signed'; plan: SigningPlan }

/** Only a release brings a first key along. Until then nobody can verify what is stated again, and nobody asks for it. */
export function canBeVerified(app: App, signing: SigningChoice): SigningChoice {
  if (signing.kind === 'unsigned' || !signing.isFirst) return signing
  return { kind: 'unsigned', reason: `${app.slug} has no signing key yet` }
}

/**
 * How something that exists is placed anew, stated again if it can be signed. Nothing is asked and nothing is sent yet.
 * @param more what is signed in advance with it, under the sequences that follow
 * @throws CommandError when the server's copy of the old statement cannot be trusted
 */
export async function planRestatement(
  session: Session,
  target: OldTarget,
  options: RestatingOptions,
  more: readonly OldTarget[] = [],
): Promise<Restatement> {
  const { app, platform } = target
  const signing = canBeVerified(app, await chooseKey(session, app, options))
  if (signing.kind === 'unsigned') return signing
  if (target.mustBeNamed) {
    const message = `This release has to be stated again, signed, and only an id names it: the server would choose what you sign.`
    throw new CommandError(
      'version-not-named',
      `${message} Say what it is: --version and --platform; of updates rollback, --to and --platform.`,
    )
  }
  const contents: StatementContent[] = []
  for (const [index, each] of [target, ...more].entries()) {
    contents.push(await restatedContent(session, each, signing.key, index === 0 ? options : {}))
  }
  return { kind: 'signed', plan: await planSigning(session, { app, platform }, signing.key, contents, options) }
}

/**
 * As `planRestatement`. Devices refuse what is older than they have seen, unless the publisher states it again; the
 * newest needs no new statement.
 */
export async function planPlacement(
  session: Session,
  target: OldTarget & { release: Release },
  options: RestatingOptions,
): Promise<Restatement> {
  const { app, platform, release, channel } = target
  // A kit is always signed, whatever else the app takes, and for one channel.
  const isKit = release.content.kind === 'kit'
  const { nextSequence } = await session.api.getNextSequence(app.id, platform)
  const isNewest = nextSequence === release.sequence + 1 && !(isKit && release.channel !== channel)
  if (isNewest) return { kind: 'unsigned', reason: 'its own statement is the newest' }
  if (app.signing === 'optional' && !isKit) return { kind: 'unsigned', reason: `${app.slug} takes unsigned releases` }
  return planRestatement(session, target, options)
}

/** For a person who has to say yes or no. */
export function describeRestatement(restatement: Restatement): string {
  if (restatement.kind === 'unsigned') return `Not signed: ${restatement.reason}.`
  const lines = Object.entries(signingLines(restatement.plan))
  return lines.map(([name, text]) => `${name}: ${text}`).join('\n')
}

/** For `--json`: everything that is signed, or would be. */
export function restatementJson(restatement: Restatement) {
  return restatement.kind === 'signed' ? signingJson(restatement.plan) : []
}

/** Carries it out: `send` gets the statements in the order of the plan, and what they say; none when nothing is signed. */
export async function placeRestated<T>(
  session: Session,
  app: App,
  restatement: Restatement,
  send: (first: Partial<SignedStatement>, more: SignedStatement[], signs: SignedJson) => Promise<T>,
): Promise<T> {
  if (restatement.kind === 'unsigned') return send({}, [], [])
  const { plan } = restatement
  return carryOutSigning(session, app, plan, ([first, ...more], sequence) =>
    send(first ?? {}, more, signingJson({ ...plan, sequence })),
  )
}

/**
 * Signing §1: the same content, or the binary's own, to be stated again. Of a release, what its statement's own bytes
 * say, which a trusted key signed.
 * @throws CommandError
 */
export async function restatedContent(
  session: Session,
  { app, platform, channel, release, version }: OldTarget,
  key: SigningKeyPair,
  options: RestatingOptions & { floor?: number } = {},
): Promise<StatementContent> {
  const common = { appId: app.id, platform }
  if (!release) {
    return { ...common, ...STATED_EMBEDDED, floor: 0, requirement: {} }
  }
  if (options.bundle !== undefined) return contentOfBundle(session, { app, platform, version }, options)
  const { statement } = await verify(session, { app, platform, release, version }, key)
  const barred = Math.max(options.floor ?? 0, session.trust.highestFloor(app.id, platform))
  if (statement.sequence < barred && !options.belowFloor) {
    const message = `${statement.version} for ${platform} is sequence ${statement.sequence}, and a later release set the floor ${barred}: devices were never to go back so far.`
    throw new CommandError('below-floor', `${message} If they are to now, add --below-floor.`)
  }
  await session.trust.remember(statement)
  const { floor, requirement, artifacts } = statement
  const content = statement.content?.kind === 'kit' ? { ...statement.content, channel } : statement.content
  return { ...common, target: 'release', version: statement.version, floor, requirement, content, artifacts }
}

/** The version is the user's own word here, and the digest is of bytes that lie here. */
async function contentOfBundle(
  { context }: Session,
  { app, platform, version }: Omit<OldTarget, 'release' | 'channel'>,
  { bundle = '', minNative, nativeRange, runtimeVersion }: RestatingOptions,
): Promise<StatementContent> {
  if (version === undefined) throw new UsageError('--bundle needs --version: what is signed is that version.')
  const path = resolve(context.cwd, bundle)
  const requirement = given({ minNativeVersion: minNative, nativeRange, runtimeVersion })
  return {
    appId: app.id,
    platform,
    target: 'release',
    version,
    floor: 0,
    requirement,
    ...stateFile(await measure(path)),
  }
}

async function measure(path: string): Promise<{ sha256: string; sizeBytes: number }> {
  try {
    const { size } = await stat(path)
    return { sha256: await digestOfFile(path), sizeBytes: size }
  } catch (cause) {
    throw new CommandError('bundle-unreadable', `${path} cannot be read: ${systemReason(cause)}.`, { cause })
  }
}

async function verify(
  session: Session,
  { app, platform, release, version }: Omit<OldTarget, 'channel'> & { release: Release },
  key: SigningKeyPair,
): Promise<VerifiedStatement> {
  try {
    return verifyOldStatement(release, { appId: app.id, platform, version }, trustedKeys(session, app, key))
  } catch (error) {
    if (!(error instanceof StatementRefused)) throw error
    const advice = await adviceFor(session, app, release, error.type)
    throw new StatementRefused(error.type, `${error.message}${advice}`, { cause: error })
  }
}

async function adviceFor({ api, context }: Session, app: App, release: Release, type: string): Promise<string> {
  if (type === 'never-signed') {
    return " What it is would be the server's word alone. To sign bytes that lie here instead: --bundle bundle.zip, with what it needs of the native app (--min-native …)."
  }
  if (type !== 'statement-untrusted') return ''
  const { items } = await api.listKeys(app.id)
  const claimed = items.find(({ id }) => id === release.keyId)
  if (!claimed) return ' The server does not name its key either.'
  return (
    ` The server says that "${claimed.name}" did, with the key ${fingerprintOf(claimed.publicKey)}. If a colleague confirms that fingerprint: ` +
    `${context.programName} trust key ${claimed.publicKey} --app ${app.slug}`
  )
}
