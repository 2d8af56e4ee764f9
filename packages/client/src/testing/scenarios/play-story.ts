import { expect } from 'vitest'
import { utf8FromText } from '@hotpatch/protocol'
import type { HttpPort, HttpRequest, HttpResponse } from '@hotpatch/device-ground'
import type { EngineStatus } from '../../engine/engine.ts'
import { serveRange } from '../fake-server.ts'
import { bodiesOf, expectWhole } from './play-scenario.ts'
import { createLife, type Life } from './life.ts'
import type { ScenarioAction, ScenarioObservation } from './scenario.ts'
import type { StoryFile, StoryGoal } from './story.ts'

export interface Disturbance {
  /** The power goes at this change of the disk. */
  stopAt: number
  survives: 'nothing' | 'everything'
}

const MAX_SESSIONS = 12

/** vectors/README.md: the whole story, once disturbed or not at all. */
export async function playStory(
  file: StoryFile,
  disturbance?: Disturbance,
): Promise<{ changes: number; told: string[]; cuts: number }> {
  const bytesOf = bodiesOf(file)
  const server = createStoryServer(file, bytesOf, () => life.disk().hasStopped())
  const life: Life = createLife(file.device, bytesOf, () => server.http)
  let highWater = 0
  let cuts = 0
  if (disturbance) life.disk().arrange({ stopAt: disturbance.stopAt })

  /** What a dead process makes of it does not matter. */
  const act = (action: ScenarioAction): Promise<ScenarioObservation> =>
    life.perform(action).catch((error: unknown) => {
      if (!life.disk().hasStopped()) throw error
      return { operations: [] }
    })

  async function isCutShort(): Promise<boolean> {
    if (!life.disk().hasStopped()) return false
    await life.perform({ do: 'powerCut', survives: disturbance?.survives ?? 'nothing' })
    cuts += 1
    return true
  }

  /** One process. True once the goal is reached. */
  async function session({ isReached }: StoryGoal): Promise<boolean> {
    const { launch } = await act({ do: 'boot' })
    if (await isCutShort()) return false
    expectWhole(life, launch, file, bytesOf)
    const status = life.status() as EngineStatus
    expect(status.highWater).toBeGreaterThanOrEqual(highWater)
    highWater = status.highWater
    const runs = status.running.kind === 'embedded' ? 'embedded' : status.running.version
    if (file.confirms.includes(runs)) await act({ do: 'confirm' })
    await act({ do: 'flushReports' })
    if (await isCutShort()) return false
    if (isMet(isReached, runs, life.status() as EngineStatus)) return true
    await act({ do: 'sync' })
    await isCutShort()
    return false
  }

  for (const goal of file.goals) {
    server.aimAt(goal.target)
    let sessions = 0
    while (!(await session(goal))) {
      sessions += 1
      expect(sessions, 'sessions for one goal').toBeLessThan(MAX_SESSIONS)
    }
  }
  await act({ do: 'flushReports' })
  return { changes: life.disk().changes(), told: server.told(), cuts }
}

function isMet({ runs, standing, hasFailed }: StoryGoal['isReached'], found: string, status: EngineStatus): boolean {
  return (
    found === runs &&
    (standing === undefined || status.standing === standing) &&
    (hasFailed !== true || status.failedReleaseIds.length > 0)
  )
}

interface Told {
  id: string
  kind: string
  releaseId?: string
  code?: string
}

/** Little more than the answers of the file; silent once the power is off. */
function createStoryServer(
  { targets, artifacts }: StoryFile,
  bytesOf: (name: string) => Uint8Array,
  isDead: () => boolean,
) {
  const reports = new Map<string, Told>()
  let target = ''

  function answerCheck(check: {
    releaseId?: string
    failedReleaseIds: string[]
    embeddedUpdateId?: string
    patches?: string[]
  }) {
    const aim = targets[target]
    if (!aim) throw new Error(`there is no target ${target}`)
    const { releaseId, answer, patches } = aim
    if ((check.releaseId ?? null) === releaseId) return { updateAvailable: false, reason: 'runs-the-target' }
    if (releaseId !== null && check.failedReleaseIds.includes(releaseId)) {
      return { updateAvailable: false, reason: 'failed-on-this-device' }
    }
    const patch = patches.find(
      ({ from, format }) =>
        (from === null || from === (check.releaseId ?? check.embeddedUpdateId)) && check.patches?.includes(format),
    )
    return bytesOf(patch?.answer ?? answer)
  }

  function takeReports(events: readonly Told[]) {
    const fresh = events.filter(({ id }) => !reports.has(id))
    for (const event of fresh) reports.set(event.id, event)
    return { accepted: fresh.length, rejected: [] }
  }

  function respond(request: HttpRequest): HttpResponse {
    if (isDead()) throw new Error('the power is off')
    const artifact = artifacts[request.url]
    if (request.method === 'GET') {
      if (artifact === undefined) throw new Error(`nothing is at ${request.url}`)
      return serveRange(bytesOf(artifact), request) as HttpResponse
    }
    const body = JSON.parse(request.body ?? '') as never
    const answer = request.url.endsWith('/update/check')
      ? answerCheck(body)
      : takeReports((body as { events: Told[] }).events)
    const bytes = answer instanceof Uint8Array ? answer : utf8FromText(JSON.stringify(answer))
    return { status: 200, headers: {}, body: once(bytes) }
  }

  const http: HttpPort = {
    open: (request) => ({ response: Promise.resolve().then(() => respond(request)), abort: () => undefined }),
  }
  return {
    http,
    aimAt(name: string) {
      target = name
    },
    told: () =>
      [...reports.values()]
        .map(({ releaseId, kind, code }) => `${releaseId ?? 'embedded'} ${kind} ${code ?? ''}`.trim())
        .toSorted(),
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}
