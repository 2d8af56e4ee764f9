import { randomBytes, randomUUID } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { problem } from '@hotpatch/protocol'
import type { Database } from '../../ground/database/schema.ts'
import { listDevicesBetween, trustOf, type SampledDevice } from '../../fleet/devices/device-queries.ts'
import { readStoredAttributes } from '../../fleet/recording/stored-attributes.ts'
import type { DirectoryEntry } from '../../updates/catalog-queries.ts'
import type { UpdateCheck } from '../../updates/update-service.ts'

/** Devices that are looked at: of a larger fleet, a part that starts at a random place. */
export const MAX_JUDGED = 50_000
/** Judged at once: 3 milliseconds in the thread that answers checks. */
const PAGE = 250
/** Under way or waiting. */
const MAX_QUESTIONS = 10

export type KnownDevices = ReturnType<typeof createKnownDevices>

/** The fleet as far as it is known, for questions that are answered by the very function that answers checks. */
export function createKnownDevices({
  db,
  settleFleet,
}: {
  /** For reading only: it may be a connection in another thread. */
  db: Database
  /** Resolves when what devices told so far is in the database. */
  settleFleet: () => Promise<void>
}) {
  let questions = 0
  let previous: Promise<unknown> = Promise.resolve()

  /**
   * One after the other: all at once would leave checks too few turns.
   * @throws problem too-many-requests
   */
  async function inTurn<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
    if (questions >= MAX_QUESTIONS) {
      throw problem('too-many-requests', `${MAX_QUESTIONS} questions about the fleet are under way already.`, {
        retryAfterSeconds: 5,
      })
    }
    questions += 1
    const mine = previous.then(ask)
    previous = mine.catch(() => undefined) // the caller is told
    try {
      return await mine
    } finally {
      questions -= 1
    }
  }

  /** From a random id on, and past the end from the first one: all of a fleet that is not larger. */
  async function* sample(app: DirectoryEntry): AsyncGenerator<SampledDevice> {
    await settleFleet()
    const start = app.deviceIds === 'hashed' ? `h_${randomBytes(16).toString('base64url')}` : randomUUID()
    let left = MAX_JUDGED
    for (const range of [
      { after: start, before: undefined },
      { after: '', before: start },
    ]) {
      let page: SampledDevice[]
      do {
        page = await listDevicesBetween(db, app.id, range, Math.min(PAGE, left))
        yield* page
        left -= page.length
        range.after = page.at(-1)?.device_id ?? range.after
        // Checks that wait get their turn between the pages.
        await setImmediate()
      } while (page.length === PAGE && left > 0)
      if (left === 0) return
    }
  }

  return { inTurn, sample, settle: settleFleet }
}

/** What a check of the device would say, as far as it told. */
export function checkOf(device: SampledDevice): UpdateCheck {
  const releaseId = device.current_release_id
  return {
    deviceId: device.device_id,
    dialect: device.dialect ?? undefined,
    nativeVersion: device.native_version ?? undefined,
    runtimeVersion: device.runtime_version ?? undefined,
    current: releaseId === null ? { kind: 'embedded' } : { kind: 'release', id: releaseId },
    failedReleaseIds: [],
    cohorts: JSON.parse(device.cohorts) as string[],
    attributes: readStoredAttributes(device.attributes),
    trust: trustOf(device),
  }
}
