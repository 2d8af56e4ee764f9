import type { ManagementClient, Release, Rollout } from '../../packages/api/src/index.ts'
import { verifyChain, type KnownHead } from '../../packages/cli/src/audit/verify-chain.ts'
import { everyPage } from '../every-page.ts'
import type { Attempt, KnownReport, KnownRollout } from '../ledger.ts'
import type { World } from '../world.ts'
import type { Wholeness } from './wholeness.ts'

/** Of older releases, beside all that are new. */
const OLD_RELEASES = 8
const REPORTS = 60
const REPORTS_AT_ONCE = 6
/** At the end, when there is nothing else to do. */
const ALL_REPORTS = 30_000
const KEPT_HEADS = 200

export type Checkpoint = ReturnType<typeof createCheckpoint>

/** Holds what every server says against what was acknowledged. To be called when nobody changes anything. */
export function createCheckpoint(world: World, wholeness: Wholeness) {
  const { site, app, toolApp, ledger, findings, asking } = world
  const random = world.random.of('checkpoint')
  const heads: KnownHead[] = []
  const whole = new Set<string>()

  async function look({ isLast = false } = {}): Promise<void> {
    findings.count('times that everything was looked at')
    wholeness.forget()
    for (const { index } of site.servers) {
      await lookAtReleases(index, isLast)
      await lookAtRollouts(index)
    }
    await lookAtUploads()
    await lookAtReports(isLast ? ALL_REPORTS : REPORTS)
    await lookAtAudit()
  }

  async function lookAtReleases(server: number, isLast: boolean): Promise<void> {
    for (const { slug } of [app, toolApp]) {
      // The tool goes on meanwhile: what is acknowledged later need not be in the list.
      const acknowledged = ledger.releases.filter((attempt) => attempt.app === slug)
      const found = await everyPage((query) => asking.insist((api) => api.listReleases(slug, query), { server }))
      const byId = new Map(found.map((release) => [release.id, release]))
      for (const attempt of acknowledged) expectRelease(attempt, byId.get(attempt.releaseId ?? ''), server)
      for (const release of found) expectKnown(slug, release, server)
      await lookAtBytes(found, server, isLast)
    }
  }

  function expectRelease(attempt: Attempt, found: Release | undefined, server: number): void {
    findings.expectThat('acknowledged-release', found !== undefined && isAs(attempt, found), () => {
      return `Server ${server}: ${JSON.stringify(attempt)} was acknowledged, and is ${JSON.stringify(found)}.`
    })
  }

  /** Also what was never acknowledged may be there, as a whole. */
  function expectKnown(slug: string, release: Release, server: number): void {
    const attempt = ledger.findAttempt(slug, release.platform, release.version)
    if (attempt && attempt.releaseId === undefined) findings.count('releases found that nobody had acknowledged')
    const holds = attempt !== undefined && (attempt.sha256 === '' || isAs(attempt, release))
    findings.expectThat('nothing-half', holds, () => {
      return `Server ${server} lists ${JSON.stringify(release)}, asked for was ${JSON.stringify(attempt)}.`
    })
  }

  async function lookAtBytes(found: readonly Release[], server: number, isLast: boolean): Promise<void> {
    const isNew = ({ id }: Release) => isLast || !whole.has(`${server} ${id}`)
    const old = random.shuffle(found.filter((release) => !isNew(release))).slice(0, OLD_RELEASES)
    for (const { id, content } of [...found.filter(isNew), ...old]) {
      if (content.kind !== 'archive') continue
      const url = `${site.servers[server]?.url}/artifacts/${content.sha256}`
      if (await wholeness.isWhole(url, content.sha256)) whole.add(`${server} ${id}`)
    }
  }

  async function lookAtRollouts(server: number): Promise<void> {
    // As it was known before: a guard may act while the list is on its way.
    const acknowledged = [...ledger.rollouts.values()].map((known) => ({ ...known }))
    const found = await everyPage((query) => asking.insist((api) => api.listRollouts(app.slug, query), { server }))
    const byId = new Map(found.map((rollout) => [rollout.id, rollout]))
    for (const known of acknowledged) {
      const rollout = byId.get(known.id)
      findings.expectThat('acknowledged-rollout', rollout !== undefined && isStill(known, rollout), () => {
        return `Server ${server}: ${JSON.stringify(known)} was acknowledged, and is ${JSON.stringify(rollout)}.`
      })
    }
    for (const rollout of found) {
      const { id, releaseId, channel } = rollout
      if (releaseId === null || ledger.rollouts.has(id) || !ledger.findRelease(releaseId)) continue
      const isOfNobody = !ledger.isPerhapsPlaced(releaseId, channel)
      if (!isOfNobody) learnOf(rollout)
      findings.expectThat('nothing-half', !isOfNobody, () => {
        return `Server ${server} lists a rollout that nobody asked for: ${JSON.stringify(rollout)}.`
      })
    }
  }

  function learnOf(rollout: Rollout): void {
    findings.count('rollouts found that nobody had acknowledged')
    ledger.acknowledgeRollout(rollout)
  }

  async function lookAtUploads(): Promise<void> {
    for (const upload of ledger.uploads.values()) {
      if (!upload.isAbandoned) continue
      const { id, server, offset } = upload
      const found = await asking.insist((api) => api.getUploadOffset(app.slug, id), { server })
      findings.expectThat('acknowledged-upload', found !== undefined && found >= offset, () => {
        return `Upload ${id} was acknowledged up to ${offset}, and is ${found === undefined ? 'not there' : `at ${found}`}.`
      })
    }
  }

  async function lookAtReports(most: number): Promise<void> {
    const queue = ledger.takeReports(most).values()
    async function work() {
      for (const report of queue) await expectReport(report)
    }
    await Promise.all(Array.from({ length: REPORTS_AT_ONCE }, work))
  }

  async function expectReport({ deviceId, eventId }: KnownReport): Promise<void> {
    const { events } = await asking.insist((api) => api.getDevice(app.slug, deviceId))
    const isThere = events.some(({ id }) => id === eventId) || (await isInTimeline(deviceId, eventId))
    findings.expectThat('acknowledged-report', isThere, () => `Of ${deviceId} the event ${eventId} is not there.`)
  }

  async function isInTimeline(deviceId: string, eventId: string): Promise<boolean> {
    const entries = await everyPage((query) => asking.insist((api) => api.listTimeline(app.slug, deviceId, query)))
    return entries.some(({ id }) => id === eventId)
  }

  async function lookAtAudit(): Promise<void> {
    const verified = await asking.insist((api) => verifyAudit(api))
    findings.most('entries of the audit log', verified.entries)
    findings.expectThat('audit-chain', verified.whole, () => JSON.stringify(verified.findings))
    if (heads.length === KEPT_HEADS) heads.shift()
    heads.push({ ...verified.head, at: new Date().toISOString() })
  }

  const verifyAudit = (api: ManagementClient) => verifyChain(api.exportAudit(), { known: heads, partial: false })

  return { look }
}

function isAs({ app: _, sha256, sizeBytes, sequence }: Attempt, { content, sequence: found }: Release): boolean {
  // Of an unsigned one the server draws the sequence.
  const isSequence = sequence === 0 || sequence === found
  return content.kind === 'archive' && content.sha256 === sha256 && content.sizeBytes === sizeBytes && isSequence
}

function isStill(known: KnownRollout, found: Rollout): boolean {
  const isTripped = found.guard?.state === 'tripped' && found.state !== 'active'
  if (known.isUnsure || isTripped) return found.revision >= known.revision
  return found.state === known.state && found.percentage === known.percentage && found.revision === known.revision
}
