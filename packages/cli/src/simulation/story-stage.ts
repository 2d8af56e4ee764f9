import { STATED_EMBEDDED } from '@hotpatch/protocol'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { App, ImpactQuestion, PublishedRelease, Rollout } from '@hotpatch/api'
import type { Platform } from '@hotpatch/protocol'
import type { Fleet, FleetFigures } from '@hotpatch/simulator'
import type { StatedContent } from '../content/content-kind.ts'
import { digestOfZip, openContent } from '../content/kinds.ts'
import { describeAnswer } from '../output/describe-answer.ts'
import { findImpact } from '../release/change-impact.ts'
import type { Session } from '../session/session.ts'
import { signDigest, signStatement, type SignedStatement, type StatementContent } from '../signing/sign-statement.ts'
import { createSigningKey, type SigningKeyPair } from '../signing/signing-key.ts'
import { createReleaseForm } from '../upload/release-form.ts'
import { sendContent } from '../upload/send-content.ts'

/** Where the phones of a story are. */
export const STORY_CHANNEL = 'production'

/** What the server says of one phone and one release. */
export interface StoryWhy {
  device: string
  answer: string
  /** What would have to change for the release to reach it. */
  changes: readonly string[]
}

export interface StoryPlace {
  app: App
  platform: Platform
  /** In the phones' time. */
  chapterMs: number
  /** Phones that trust every key that the app has then. */
  createFleet: (app: App) => Promise<Fleet>
  onChapter: (figures: FleetFigures) => void
}

export type StoryStage = Awaited<ReturnType<typeof createStage>>

/** A publisher with a key of its own, and its phones. Nothing of the user's own apps and keys is touched. */
export async function createStage(session: Session, place: StoryPlace) {
  const { api, context } = session
  const { app, platform, chapterMs } = place
  const key = createSigningKey('the key of this story')
  let fleet: Fleet | undefined
  const statedOf = new Map<string, StatedContent>()

  /** Phones begin to live when there is something to trust. */
  async function live(): Promise<void> {
    fleet ??= await place.createFleet(app)
    await fleet.run({ durationMs: chapterMs, signal: context.signal })
    place.onChapter(fleet.figures())
  }

  async function sign(content: StatementContent, by: SigningKeyPair): Promise<SignedStatement> {
    const { nextSequence } = await api.getNextSequence(app.id, platform)
    return signStatement(by, { ...content, sequence: nextSequence, createdAt: context.now().toISOString() })
  }

  async function publish(version: string, { channel = STORY_CHANNEL, by = key } = {}): Promise<PublishedRelease> {
    const folder = await mkdtemp(join(context.env.TMPDIR || tmpdir(), 'hotpatch-story-'))
    try {
      const [path, directory] = [join(folder, 'bundle'), join(folder, 'working')]
      for (const each of [path, directory]) await mkdir(each)
      await writeFile(join(path, `index.${platform}.bundle`), `// ${version}, of a rehearsal\n`)
      const wish = { platform, projectDirectory: path, withSourceMaps: false }
      const opened = await openContent(context, { kind: 'folder', path, as: 'archive' }, { wish, directory })
      const { uploads, stated, content } = await opened.pack()
      const named = { appId: app.id, platform, target: 'release', version, floor: 0, requirement: {} } as const
      const signed = await sign({ ...named, ...stated }, by)
      const signatures = {
        ...signed,
        signature: signDigest(by, digestOfZip({ content }) ?? ''),
        publicKey: by.publicKey,
      }
      const release = { platform, version, channel, percentage: 100, content }
      await sendContent(session, app, uploads)
      const published = await api.publishRelease(app.id, createReleaseForm(release, signatures))
      statedOf.set(published.releaseId, stated)
      return published
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  }

  async function toEmbedded(): Promise<Rollout> {
    const signed = await sign({ appId: app.id, platform, ...STATED_EMBEDDED, floor: 0, requirement: {} }, key)
    return api.rollBack(app.id, { platform, channel: STORY_CHANNEL, to: 'embedded', ...signed })
  }

  /** The same content, stated again under the next sequence and placed on top. */
  async function stateAgain({ version, releaseId }: PublishedRelease): Promise<Rollout> {
    const content = { appId: app.id, platform, target: 'release', version, floor: 0, requirement: {} } as const
    const stated = statedOf.get(releaseId)
    if (!stated) throw new Error('Only what this stage published is stated again.')
    const signed = await sign({ ...content, ...stated }, key)
    return api.rollBack(app.id, { platform, channel: STORY_CHANNEL, to: { releaseId }, ...signed })
  }

  /** Its own statement, as it is. */
  const promote = ({ releaseId }: Pick<PublishedRelease, 'releaseId'>) =>
    api.createRollout(app.id, { releaseId, channel: STORY_CHANNEL })

  async function why({ releaseId }: Pick<PublishedRelease, 'releaseId'>): Promise<StoryWhy> {
    const device = fleet?.device(0).id ?? ''
    const { decision, towards } = await api.explain(app.id, device, { release: releaseId })
    return {
      device,
      answer: `${describeAnswer(decision)}: ${decision.explanation} (${decision.reason})`,
      changes: towards?.changes ?? [],
    }
  }

  return {
    live,
    publish,
    toEmbedded,
    stateAgain,
    promote,
    why,
    addKey: (added: SigningKeyPair) => api.addKey(app.id, { publicKey: added.publicKey }),
    halt: ({ id }: Pick<Rollout, 'id'>) => api.haltRollout(id),
    impact: (question: ImpactQuestion) => findImpact(api, app.id, question),
  }
}
