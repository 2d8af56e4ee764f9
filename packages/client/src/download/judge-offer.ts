import {
  compileRequirement,
  digestSigningInput,
  ENCRYPTED_ARCHIVE_NAME,
  MAX_SEQUENCE_STEP,
  MAX_STATEMENT_BYTES,
  parseNativeVersion,
  readReleaseStatement,
  requirementReason,
  statementTime,
  UnexpectedJsonError,
  type ReleaseStatement,
  type SdkCode,
  textFromUtf8,
} from '@hotpatch/protocol'
import { type CryptoPort, messageOf } from '@hotpatch/device-ground'
import { bytesFromBase64 } from '../ground/bytes.ts'
import type { EmbeddedOrder, Offer, SignedStatement } from '../server/update-contract.ts'
import type { HostPort } from '../ground/ports.ts'
import type { Settings } from '../ground/settings.ts'
import type { StoredState } from '../state/stored-state.ts'
import { UpdateError } from '../ground/update-error.ts'

export interface Judgement {
  /** 0 for an app without signing keys. */
  sequence: number
  floor: number
  /** What the release is, file by file (Content §3.1), where that is known: nothing else may come of a patch. */
  tree: string | null
}

export interface JudgementContext {
  crypto: CryptoPort
  host: HostPort
  settings: Pick<Settings, 'publicKeys' | 'appId'>
  /** Null when it is not known, or not believed. */
  builtAt: number | null
  state: Pick<StoredState, 'highWater' | 'floor'>
}

const UNSIGNED: Judgement = { sequence: 0, floor: 0, tree: null }

/**
 * Engine §4: everything that can be judged before a byte is downloaded, in this order.
 * Nothing is read from a statement before its signature was verified over its exact bytes.
 */
export async function judgeOffer(offer: Offer, context: JudgementContext): Promise<Judgement> {
  // Without keys nothing distinguishes a publisher's statement from anyone's: it is not looked at.
  if (context.settings.publicKeys.length === 0) return { ...UNSIGNED, tree: announcedTree(offer) }
  // Signing §5: of an archive the announced digest is signed by itself, too; of anything else the statement alone.
  const signature = offer.kind === 'archive' ? required(offer.signature, 'signature') : null
  const statement = await readVerified(offer, context)
  if (signature !== null && !(await isSigned(digestSigningInput(offer.sha256), signature, context))) {
    refuse('signature-invalid', 'no known key signed the bundle')
  }
  expectStatement(statement.target === 'release', 'it is not for a release')
  expectStatement(statement.version === offer.version, `it is for version ${statement.version}, not ${offer.version}`)
  expectStatement(statement.content?.kind === offer.kind, `it is for content of another kind than ${offer.kind}`)
  const [archive] = statement.artifacts
  expectStatement(archive?.sha256 === offer.sha256, 'it has another hash than the answer')
  expectStatement(archive?.sizeBytes === offer.sizeBytes, 'it has another size than the answer')
  expectEncryption(statement, offer)
  expectRunnable(statement, context.host)
  const judgement = { ...judgeSequence(statement, context.state), tree: statedTree(statement) }
  expectMadeForBinary(statement, context.builtAt)
  return judgement
}

/** Engine §4: unsigned, the server may send devices back to embedded only while no floor is set. */
export async function judgeEmbeddedOrder(order: EmbeddedOrder, context: JudgementContext): Promise<Judgement> {
  if (context.settings.publicKeys.length === 0 || order.statement === null) {
    if (context.state.floor > 0) refuse('below-floor', 'embedded is below the floor, and no publisher signed for it')
    return UNSIGNED
  }
  const statement = await readVerified(order, context)
  expectStatement(statement.target === 'embedded', 'it is not for embedded')
  return { ...judgeSequence(statement, context.state), tree: null }
}

function announcedTree({ patch }: Offer): string | null {
  return patch && 'tree' in patch ? patch.tree : null
}

function statedTree({ content }: ReleaseStatement): string | null {
  return (content?.kind === 'archive' && content.tree) || null
}

async function readVerified(signed: SignedStatement, context: JudgementContext): Promise<ReleaseStatement> {
  const { settings, host } = context
  const bytes = bytesFromBase64(required(signed.statement, 'statement'))
  const signature = required(signed.statementSignature, 'statement signature')
  expectStatement(bytes !== undefined, 'it is not base64')
  expectStatement(bytes.length <= MAX_STATEMENT_BYTES, 'it is too long')
  if (!(await isSigned(bytes, signature, context))) refuse('signature-invalid', 'no known key signed the statement')
  const statement = parseStatement(bytes)
  if (statement.appId !== settings.appId) refuse('wrong-app', `the statement is for the app ${statement.appId}`)
  if (statement.platform !== 'any' && statement.platform !== host.platform) {
    refuse('wrong-platform', `the statement is for ${statement.platform}, this is ${host.platform}`)
  }
  return statement
}

function parseStatement(bytes: Uint8Array): ReleaseStatement {
  const text = textFromUtf8(bytes)
  expectStatement(text !== undefined, 'it is not UTF-8')
  try {
    return readReleaseStatement(text)
  } catch (cause) {
    if (!(cause instanceof UnexpectedJsonError)) throw cause
    throw new UpdateError('statement-invalid', `the statement: ${messageOf(cause)}`, { cause })
  }
}

/** The signature of any one of the configured keys will do, so that keys can be rotated. */
async function isSigned(message: Uint8Array, base64: string, { crypto, settings }: JudgementContext): Promise<boolean> {
  const signature = bytesFromBase64(base64)
  if (signature?.length !== 64) return false
  for (const key of settings.publicKeys) {
    if (await crypto.verifyEd25519(key, message, signature)) return true
  }
  return false
}

/** Content §3.2: whether it is encrypted is signed, and which bytes that are. */
function expectEncryption({ content, artifacts }: ReleaseStatement, { encryption }: Offer): void {
  const isEncrypted = content?.kind === 'archive' && content.encryption !== undefined
  const encrypted = artifacts.find(({ name }) => name === ENCRYPTED_ARCHIVE_NAME)
  if (encryption === null) return expectStatement(!isEncrypted, 'it is of an encrypted release, and the answer of none')
  expectStatement(isEncrypted, 'it is of a release that is not encrypted, and the answer of one that is')
  expectStatement(encrypted?.sha256 === encryption.sha256, 'its encrypted file has another hash than the answer')
  expectStatement(encrypted?.sizeBytes === encryption.sizeBytes, 'its encrypted file has another size than the answer')
}

/** The publisher's requirement is signed: a server cannot talk a device into a release for another shell. */
function expectRunnable({ requirement }: ReleaseStatement, host: HostPort): void {
  const native = parseNativeVersion(host.nativeVersion)
  const { runtimeVersion, osVersion, architecture } = host
  const subject = { native, runtimeVersion, osVersion, architecture }
  const reason = requirementReason(compileRequirement(requirement), subject)
  if (reason !== undefined) refuse('requirement-not-met', `this shell does not meet its requirement (${reason})`)
}

function judgeSequence(
  { sequence, floor }: ReleaseStatement,
  state: JudgementContext['state'],
): Omit<Judgement, 'tree'> {
  expectStatement(floor <= sequence, `its floor ${floor} is above its own sequence ${sequence}`)
  if (sequence < state.floor) refuse('below-floor', `sequence ${sequence} is below the floor ${state.floor}`)
  if (sequence < state.highWater) {
    refuse('sequence-too-low', `sequence ${sequence} is below ${state.highWater}, which was seen before`)
  }
  if (sequence - state.highWater > MAX_SEQUENCE_STEP) {
    refuse('sequence-too-far', `sequence ${sequence} is more than ${MAX_SEQUENCE_STEP} above ${state.highWater}`)
  }
  return { sequence, floor }
}

/** A statement that names no binaries cannot be for a binary that was built after it was signed. */
function expectMadeForBinary({ requirement, createdAt }: ReleaseStatement, builtAt: number | null): void {
  if (builtAt === null || Object.keys(requirement).length > 0) return
  const signedAt = statementTime({ createdAt })
  if (signedAt === null || signedAt >= builtAt) return
  refuse('older-than-binary', `signed ${createdAt}, before this binary was built, and it names no binaries`)
}

function required(text: string | null, name: string): string {
  if (text === null) refuse('signature-missing', `the answer has no ${name}, but this app takes signed releases only`)
  return text
}

function expectStatement(condition: boolean, otherwise: string): asserts condition {
  if (!condition) refuse('statement-invalid', `the statement is refused: ${otherwise}`)
}

function refuse(code: SdkCode, message: string): never {
  throw new UpdateError(code, message)
}
