import type { ComponentFigures, KitContentComponent, RolloutComponents } from '@hotpatch/api'
import type { ComponentEventKind } from '@hotpatch/protocol'
import { countUnkept } from '../../fleet/recording/unkept-events.ts'
import type { Clock } from '../../ground/clock.ts'
import type { Database, Schema } from '../../ground/database/schema.ts'
import { findContent } from '../../shipping/content/content-service.ts'
import { countByComponent, countCodes } from './component-queries.ts'

/** Of one component; the others are rare, and stand on the devices' timelines. */
const SHOWN_CODES = 5

type CountedRollout = Pick<Schema['rollout'], 'id' | 'app_id' | 'release_id' | 'created_at' | 'starts_at'>

export type ComponentFigureService = ReturnType<typeof createComponentFigures>

/**
 * Which component of a kit fails (Events §1.1), as installations tell it.
 * @param db only read, and may take its time
 */
export function createComponentFigures({
  db,
  settleFleet,
  clock,
}: {
  db: Database
  /** Resolves when what devices told so far is in the database. */
  settleFleet: () => Promise<void>
  clock: Clock
}) {
  async function read(rollout: CountedRollout): Promise<RolloutComponents> {
    const { id: rolloutId, app_id: appId } = rollout
    await settleFleet()
    const release = await findRelease(rollout)
    const content = release?.kind === 'kit' ? await findContent(db, release, '') : undefined
    const components = content?.kind === 'kit' ? content.components : []
    const from = rollout.starts_at ?? rollout.created_at
    return {
      rolloutId,
      releaseId: rollout.release_id,
      version: release?.version ?? null,
      components: components.length === 0 ? [] : await countEach(rolloutId, components),
      eventsNotKept: await countUnkept(db, appId, { from, to: clock.now() }),
    }
  }

  async function findRelease({ release_id }: CountedRollout) {
    if (release_id === null) return undefined
    return db.selectFrom('release').select(['id', 'kind', 'version']).where('id', '=', release_id).executeTakeFirst()
  }

  async function countEach(rolloutId: string, components: readonly KitContentComponent[]): Promise<ComponentFigures[]> {
    const ids = components.map(({ id }) => id)
    const counts = await countByComponent(db, rolloutId, ids)
    const codes = await countCodes(db, rolloutId, ids)
    return components.map(({ id, kind, version }) => {
      const of = (told: ComponentEventKind) =>
        counts.find((row) => row.component === id && row.kind === told)?.devices ?? 0
      const ofComponent = codes.filter(({ component }) => component === id).slice(0, SHOWN_CODES)
      return {
        id,
        kind,
        version,
        planned: of('planned'),
        downloaded: of('downloaded'),
        applied: of('applied'),
        probed: of('probed'),
        confirmed: of('confirmed'),
        rolledBack: of('rolled-back'),
        failed: of('failed'),
        codes: ofComponent.map(({ code, devices }) => ({ code, devices })),
      }
    })
  }

  return { read }
}
