import type { App } from '@hotpatch/api'
import type { Platform, Requirement } from '@hotpatch/protocol'
import type { KeyOptions } from '../arguments/shared-options.ts'
import type { Session } from '../session/session.ts'
import { findNextSequence, withSequence, type SequencePlace } from './sequences.ts'
import { signStatement, type SignedStatement, type StatementContent } from './sign-statement.ts'
import type { SigningKeyPair } from './signing-key.ts'

/** Statements that one change signs, under sequences that follow each other. Shown before anybody says yes. */
export interface SigningPlan {
  key: SigningKeyPair
  contents: readonly StatementContent[]
  /** Of the first. Another only when somebody else takes it before this is sent. */
  sequence: number
  findNext: () => Promise<number>
  /** What is taken on trust this time; undefined when the app is known. */
  firstUse?: string | undefined
}

export interface SigningPlace {
  app: App
  platform: Platform
}

/** @throws CommandError when the server's next sequence cannot be believed */
export async function planSigning(
  session: Session,
  { app, platform }: SigningPlace,
  key: SigningKeyPair,
  contents: readonly StatementContent[],
  options: KeyOptions,
): Promise<SigningPlan> {
  const publicKeys = trustedKeys(session, app, key)
  const place: SequencePlace = { app, platform, publicKeys }
  const findNext = () => findNextSequence(session, place, options)
  return { key, contents, sequence: await findNext(), findNext, firstUse: firstUseOf(session, app) }
}

function firstUseOf({ trust, context, url }: Session, app: App): string | undefined {
  if (trust.acquaintanceOf(app) !== 'first-use') return undefined
  const text = `${app.slug} on ${url} has the id ${app.id}: from now on nothing is signed for another`
  // A home that is new each time never remembers, and so would believe a server every time.
  const inCi = `. Where the home folder is new each time, as in CI, keep it in hotpatch.json: ${context.programName} trust app --project`
  return context.isTTY ? text : text + inCi
}

/** Whose statements may be stated again: one's own, and those that were accepted. */
export function trustedKeys({ trust }: Session, app: App, key: SigningKeyPair): readonly string[] {
  return [key.publicKey, ...trust.publicKeysFor(app.id)]
}

/** Signs what was planned and sends it. What the server took is remembered. */
export async function carryOutSigning<T>(
  session: Session,
  app: App,
  { key, contents, sequence: planned, findNext }: SigningPlan,
  send: (signed: SignedStatement[], sequence: number) => Promise<T>,
): Promise<T> {
  const { trust, context, output } = session
  await trust.accept(app)
  return withSequence(planned, findNext, async (sequence) => {
    if (sequence !== planned) output.notice(`Somebody else took the sequence ${planned}: this is ${sequence}.`)
    const createdAt = context.now().toISOString()
    const statements = contents.map((content, index) => ({ ...content, sequence: sequence + index, createdAt }))
    const answer = await send(
      statements.map((statement) => signStatement(key, statement)),
      sequence,
    )
    for (const statement of statements) await trust.remember(statement)
    return answer
  })
}

/** For a person who has to say yes or no: everything that will be signed. */
export function signingLines({ key, contents, sequence, firstUse }: SigningPlan): Record<string, string> {
  const [first, ...prepared] = contents.map((content, index) => describeContent(content, sequence + index))
  return {
    Signed: `with the key ${key.fingerprint} (${key.path})`,
    ...(first !== undefined && { Signs: first }),
    ...Object.fromEntries(prepared.map((text, index) => [`In advance ${index + 1}`, text])),
    ...(firstUse !== undefined && { 'First use': firstUse }),
  }
}

/** For `--json`. */
export function signingJson({ key, contents, sequence }: SigningPlan) {
  return contents.map(({ content: stated, ...named }, index) => ({
    ...named,
    // Of a kit all that its manifest says would be said twice.
    content: stated?.kind === 'kit' ? { kind: stated.kind } : stated,
    sequence: sequence + index,
    keyFingerprint: key.fingerprint,
  }))
}

function describeContent({ version, target, floor, requirement, ...stated }: StatementContent, sequence: number) {
  // The files of a kit are several, and none of them is all of it.
  const [artifact] = stated.content?.kind === 'kit' ? [] : stated.artifacts
  const what = target === 'embedded' ? 'what the app binary shipped with' : version
  const bytes = artifact ? `, SHA-256 ${artifact.sha256}` : ''
  return `${what} as sequence ${sequence}${bytes}, floor ${floor}, needs ${describeRequirement(requirement)}`
}

export function describeRequirement(requirement: Requirement): string {
  const { minNativeVersion, nativeRange, runtimeVersion, minOsVersion, architectures } = requirement
  const needs = [
    minNativeVersion !== undefined && `native version ${minNativeVersion} or newer`,
    nativeRange !== undefined && `native version ${nativeRange}`,
    runtimeVersion !== undefined && `runtime version ${runtimeVersion}`,
    minOsVersion !== undefined && `system version ${minOsVersion} or newer`,
    architectures !== undefined && `a processor of ${architectures.join(' or ')}`,
  ].filter((need) => need !== false)
  return needs.join(', ') || 'nothing special of the native app'
}
