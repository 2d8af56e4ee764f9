import { readFile } from 'node:fs/promises'
import type { App, Release } from '@hotpatch/api'
import type { Platform, Requirement } from '@hotpatch/protocol'
import type { ReleaseBytes } from '../content/kinds.ts'
import type { Session } from '../session/session.ts'
import { isExpoPlatform, listInForce, planAnswers, sendAnswers, type AnswersPlan } from './answers-plan.ts'
import type { AnswerSigner } from './choose-answer-key.ts'
import { readSignableUpdate } from './signable-update.ts'

/** Of a release that is published here. */
export interface ReleaseAnswers {
  /** Undefined: nothing is signed. */
  plan: AnswersPlan | undefined
  /** Whether it is what Expo's tool has exported. */
  isOfExpo: boolean
  warnings: readonly string[]
}

interface PublishedContent {
  platform: Platform
  version: string
  channel: string
  requirement: Requirement
}

const NOTHING: ReleaseAnswers = { plan: undefined, isOfExpo: false, warnings: [] }

/** What is to be signed with a publish: it, what is in force below it for the same binaries, and embedded. */
export async function planReleaseAnswers(
  session: Session,
  { app, bundle, signer }: { app: App; bundle: ReleaseBytes; signer: AnswerSigner | undefined },
  { platform, version, channel, requirement }: PublishedContent,
): Promise<ReleaseAnswers> {
  if (!isExpoPlatform(platform) || bundle.content.kind !== 'files') return NOTHING
  const { runtimeVersion } = requirement
  const { sha256 } = bundle.content
  const readable = { version, sha256, runtimeVersion: runtimeVersion ?? '' }
  const own = await readSignableUpdate(readable, (wanted) => readUpload(bundle, wanted))
  if (!own) return NOTHING
  if (!signer) return { plan: undefined, isOfExpo: true, warnings: await warningsOfUnsigned(session, app, platform) }
  if (runtimeVersion === undefined) {
    const why = 'a manifest is of one runtime version, and this release is for any'
    return { plan: undefined, isOfExpo: true, warnings: [`Apps with a certificate get nothing of ${version}: ${why}.`] }
  }
  const others = await listBelow(session, { app, platform, channel, runtimeVersion, sha256 })
  const plan = await planAnswers(session, { app, platform, signer }, { first: [own], others })
  return { plan, isOfExpo: true, warnings: plan.warnings }
}

/** Of one that was published before: what was interrupted goes on, and what is signed stays as it is. */
export async function completeAnswers(
  session: Session,
  app: App,
  { content }: ReleaseBytes,
  { plan }: ReleaseAnswers,
): Promise<void> {
  if (!plan || content.kind !== 'files') return
  const { platform, signer } = plan
  const { items } = await session.api.listSignedAnswers(app.id, { platform, sha256: content.sha256 })
  const runtimeVersion = plan.updates[0]?.runtimeVersion
  const isSigned = items.some((item) => item.keyId === signer.key.keyId && item.runtimeVersion === runtimeVersion)
  if (!isSigned) await sendAnswers(session, plan)
}

async function listBelow(
  session: Session,
  { app, platform, channel, runtimeVersion, sha256 }: PlaceBelow,
): Promise<Release[]> {
  const inForce = await listInForce(session, { app, platform, channel })
  return inForce.flatMap(({ release }) => {
    if (release?.content.kind !== 'files' || release.content.sha256 === sha256) return []
    return release.requirement.runtimeVersion === runtimeVersion ? [release] : []
  })
}

interface PlaceBelow {
  app: App
  platform: Platform
  channel: string
  runtimeVersion: string
  sha256: string
}

/** Somebody signed for this platform before: then apps are out there that take nothing else. */
async function warningsOfUnsigned(
  { api }: Session,
  app: App,
  platform: AnswersPlan['platform'],
): Promise<readonly string[]> {
  const { items } = await api.listSignedAnswers(app.id, { platform })
  const [last] = items
  if (!last) return []
  const before = `what was published before was signed for them by the key "${last.keyId}"`
  return [
    `Apps with a certificate get nothing of this, as nobody signs it for them: ${before}. Sign it later: expo sign.`,
  ]
}

function readUpload({ uploads }: ReleaseBytes, sha256: string): Promise<string> {
  const upload = uploads.find((each) => each.sha256 === sha256)
  if (!upload) throw new Error(`No file ${sha256} is to be sent.`)
  return readFile(upload.path, 'utf8')
}
