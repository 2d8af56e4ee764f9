import {
  ARCHIVE_NAME,
  type ContentArtifact,
  digestSigningInput,
  MAX_STATEMENT_BYTES,
  type Platform,
  problem,
  readStatement,
  type ReleaseContent,
  type Requirement,
  REQUIREMENT_NAMES,
  type Statement,
  UnexpectedJsonError,
  writeKitContent,
} from '@hotpatch/protocol'
import { isSignedBy } from '@hotpatch/signatures'
import { findContentDifference } from './content-difference.ts'

/** What a statement must say of the content that it comes with. */
export interface StatedContent {
  appId: string
  platform: Platform
  /** That it is placed on. Of a kit alone the statement says one: a machine takes it from no other (Kits §6.8). */
  channel: string
  /** Null: what the binary shipped with. */
  release: StatedRelease | null
}

export interface StatedRelease extends Stated {
  version: string
  requirement: Requirement
}

/** Of whichever kind its content is. */
export interface Stated {
  content: ReleaseContent
  artifacts: readonly ContentArtifact[]
}

/** A statement whose signature was verified and which fits its content. */
export interface CheckedStatement {
  statement: Statement
  /** The one that verified it. */
  publicKey: string
  /** The exact bytes that were signed, as the text that they encode. */
  text: string
  /** Base64, as it came. */
  signature: string
}

/** Signing §5: of the bundle's digest, which the React Native contract's clients verify. */
export const BUNDLE_SIGNATURE = { subject: ARCHIVE_NAME, scheme: 'ed25519-digest' } as const

/**
 * Signing §4: the signature first, over the bytes as they came; then what they say.
 * @throws problem signature-invalid or statement-invalid
 */
export function checkStatement(
  signed: { statement: string; statementSignature: string },
  publicKeys: readonly string[],
  content: StatedContent,
): CheckedStatement {
  const bytes = Buffer.from(signed.statement, 'base64')
  if (bytes.length > MAX_STATEMENT_BYTES) {
    throw problem('statement-invalid', `Expected at most ${MAX_STATEMENT_BYTES} bytes, found ${bytes.length}.`)
  }
  const publicKey = publicKeys.find((key) => isSignedBy(key, bytes, signed.statementSignature))
  if (publicKey === undefined) {
    throw problem('signature-invalid', 'No registered key verifies the signature over the release statement.')
  }
  const text = decode(bytes)
  const statement = read(text)
  const difference = findDifference(statement, content)
  if (difference) {
    const [field, expected, found] = difference
    throw problem('statement-invalid', `${field}: expected ${expected}, found ${found}.`, { field })
  }
  return { statement, publicKey, text, signature: signed.statementSignature }
}

/** Signing §5. The key that verified it; @throws problem signature-invalid */
export function checkDigestSignature(sha256: string, signature: string, publicKeys: readonly string[]): string {
  const publicKey = publicKeys.find((key) => isSignedBy(key, digestSigningInput(sha256), signature))
  if (publicKey !== undefined) return publicKey
  throw problem(
    'signature-invalid',
    "The bundle's signature does not fit: expected Ed25519 over the 32 bytes of its SHA-256, by a registered key.",
  )
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw problem('statement-invalid', 'Expected UTF-8 text.', {}, { cause })
  }
}

function read(text: string): Statement {
  try {
    return readStatement(text)
  } catch (cause) {
    if (!(cause instanceof UnexpectedJsonError)) throw cause
    throw problem('statement-invalid', cause.message, { field: cause.pointer }, { cause })
  }
}

type Difference = [field: string, expected: string, found: string]

function findDifference(statement: Statement, content: StatedContent): Difference | undefined {
  const { release } = content
  return (
    firstDifferent([
      ['appId', content.appId, statement.appId],
      ['platform', content.platform, statement.platform],
      ['target', release ? 'release' : 'embedded', statement.target],
      ['version', release?.version ?? 'embedded', statement.version],
      ...requirementExpectations(release?.requirement ?? {}, statement.requirement),
    ]) ??
    channelDifference(statement, content) ??
    contentDifference(contentFor(statement, release), statement.content ?? undefined) ??
    firstDifferent(artifactExpectations(release?.artifacts ?? [], statement.artifacts))
  )
}

function channelDifference({ content: found }: Statement, { channel, release }: StatedContent): Difference | undefined {
  const isKit = release?.content.kind === 'kit' && found?.kind === 'kit'
  return isKit ? firstDifferent([['channel', channel, found.channel]]) : undefined
}

function firstDifferent(expectations: readonly [field: string, expected: unknown, found: unknown][]) {
  const different = expectations.find(([, expected, found]) => expected !== found)
  return different && ([different[0], JSON.stringify(different[1]), JSON.stringify(different[2])] satisfies Difference)
}

function contentDifference(
  expected: ReleaseContent | undefined,
  found: ReleaseContent | undefined,
): Difference | undefined {
  if (expected?.kind !== found?.kind) return ['content', expected?.kind ?? 'nothing', found?.kind ?? 'nothing']
  const difference = findContentDifference(writtenAs(expected), writtenAs(found))
  if (!difference) return undefined
  // A kit's content is its manifest, which is the statement itself; others have it in a field of theirs.
  const isWithin = found?.kind === 'kit' && difference.pointer !== ''
  return [isWithin ? difference.pointer : `content${difference.pointer}`, difference.expected, difference.found]
}

/** A kit's fields may stand in any order: written again, those that mean the same are the same. */
function writtenAs(content: ReleaseContent | undefined): unknown {
  if (content === undefined) return undefined
  return JSON.parse(content.kind === 'kit' ? writeKitContent(content) : JSON.stringify(content))
}

/** Content §3.1: what a zip unpacks to may be left unsaid. Kits §1.2: the channel of a kit is said anew, too. */
function contentFor({ content: found }: Statement, release: StatedRelease | null): ReleaseContent | undefined {
  const content = release?.content
  if (content?.kind === 'kit' && found?.kind === 'kit') return { ...content, channel: found.channel }
  return content?.kind === 'archive' && found?.kind === 'archive' && found.tree === undefined
    ? { kind: 'archive' }
    : content
}

function requirementExpectations(expected: Requirement, found: Requirement): [string, unknown, unknown][] {
  const textOf = (value: Requirement[keyof Requirement]) => (Array.isArray(value) ? value.join(', ') : value)
  return REQUIREMENT_NAMES.map((name) => [`requirement/${name}`, textOf(expected[name]), textOf(found[name])])
}

function artifactExpectations(expected: readonly ContentArtifact[], found: readonly ContentArtifact[]) {
  const names = ['name', 'sha256', 'sizeBytes'] as const
  const parts = expected.flatMap((artifact, index) =>
    names.map((name): [string, unknown, unknown] => [
      `artifacts/${index}/${name}`,
      artifact[name],
      found[index]?.[name],
    ]),
  )
  return [['artifacts', countOf(expected), countOf(found)] as [string, unknown, unknown], ...parts]
}

function countOf({ length }: readonly unknown[]): string {
  return length === 1 ? 'one artifact' : `${length} artifacts`
}
