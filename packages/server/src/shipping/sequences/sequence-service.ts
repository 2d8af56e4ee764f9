import type { NewNextSequence, NextSequence } from '@hotpatch/api'
import { MAX_SEQUENCE_STEP, problem, type Platform } from '@hotpatch/protocol'
import type { AuditService } from '../../people/audit/audit-service.ts'
import type { Author } from '../../people/authors/author.ts'
import type { Clock } from '../../ground/clock.ts'
import type { Changes } from '../../ground/database/changes.ts'
import type { Connection, Database } from '../../ground/database/schema.ts'
import { platformsOf, requirePlatform, type AppRow, type AppService } from '../apps/app-service.ts'
import { findLastSequence, takeSequence } from './sequence-store.ts'
import { findToldSequences } from './told-sequences.ts'

export type SequenceService = ReturnType<typeof createSequenceService>

/** The one order of all that is published for (app, platform): a statement of a lower sequence is refused by devices. */
export function createSequenceService({
  db,
  changes,
  apps,
  audit,
  clock,
}: {
  db: Database
  changes: Changes
  apps: AppService
  audit: AuditService
  clock: Clock
}) {
  /**
   * A sequence for "any" counts on every platform, as devices of each will see it.
   * @throws problem sequence-taken when a statement of this or a higher sequence was taken before, or sequence-too-far
   */
  async function claim(tx: Connection, app: AppRow, platform: Platform, sequence: number): Promise<void> {
    await requireFree(app, platform, sequence, tx)
    for (const each of platformsThatSee(app, platform)) {
      // Refused when someone else took it since.
      if (!(await takeSequence(tx, app.id, each, sequence))) await requireFree(app, platform, sequence, tx)
    }
  }

  /** @throws problem sequence-taken or sequence-too-far */
  async function requireFree(app: AppRow, platform: Platform, sequence: number, connection: Connection = db) {
    const nextSequence = (await takenBy(connection, app, platform)) + 1
    if (sequence < nextSequence) {
      const detail = `Expected a sequence of at least ${nextSequence}, found ${sequence}.`
      throw problem('sequence-taken', detail, { nextSequence })
    }
    for (const each of platformsThatSee(app, platform)) {
      const highestSequence = (await findLastSequence(connection, app.id, [each, 'any'])) + MAX_SEQUENCE_STEP
      if (sequence <= highestSequence) continue
      const detail =
        `Expected a sequence of at most ${highestSequence} for ${each}, found ${sequence}: devices refuse one that is ` +
        `more than ${MAX_SEQUENCE_STEP} above what they have confirmed. The next one is ${nextSequence}.`
      throw problem('sequence-too-far', detail, { nextSequence, highestSequence })
    }
  }

  /** The highest sequence that was taken; one for "any" counts on every platform. */
  async function takenBy(connection: Connection, app: AppRow, platform: Platform): Promise<number> {
    return findLastSequence(connection, app.id, platform === 'any' ? null : [platform, 'any'])
  }

  /** Above all that was taken here, and above what devices are believed to have confirmed elsewhere (Signing §8). */
  async function getNext(app: AppRow, platform: Platform, connection: Connection = db): Promise<NextSequence> {
    requirePlatform(app, platform)
    const taken = await takenBy(connection, app, platform)
    const platforms = platform === 'any' ? null : [platform]
    const told = await findToldSequences(connection, { appId: app.id, platforms, taken, now: clock.now() })
    return { platform, nextSequence: Math.max(taken, told?.believed ?? 0) + 1, taken, told }
  }

  /**
   * A person knows better: what a restored backup does not know was taken.
   * @throws problem sequence-taken when it is not above what was taken; invalid-request when devices would not follow
   */
  async function setNext(
    app: AppRow,
    { platform, nextSequence }: NewNextSequence,
    author: Author,
  ): Promise<NextSequence> {
    requirePlatform(app, platform)
    await changes.run(async (tx) => {
      const locked = await apps.lock(tx, app.id)
      const taken = await takenBy(tx, locked, platform)
      if (nextSequence - taken > MAX_SEQUENCE_STEP) {
        const most = taken + MAX_SEQUENCE_STEP
        const detail = `nextSequence: expected at most ${most}, as devices let a sequence rise by ${MAX_SEQUENCE_STEP} at once, found ${nextSequence}.`
        throw problem('invalid-request', detail)
      }
      await requireFree(locked, platform, nextSequence, tx)
      if (nextSequence === taken + 1) return
      await claim(tx, locked, platform, nextSequence - 1)
      await audit.record(tx, author, {
        action: 'app.sequence-raised',
        subject: ['app', app.id],
        appId: app.id,
        before: { platform, nextSequence: taken + 1 },
        after: { platform, nextSequence },
      })
    })
    return getNext(app, platform)
  }

  return { claim, requireFree, getNext, setNext }
}

/** Each once: an app may list "any" among its platforms. */
function platformsThatSee(app: AppRow, platform: Platform): ReadonlySet<Platform> {
  return new Set(platform === 'any' ? [...platformsOf(app), platform] : [platform])
}
