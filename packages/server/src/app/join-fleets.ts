import { problem } from '@hotpatch/protocol'
import type { FleetService } from '../fleet/recording/fleet-service.ts'
import type { Log } from '../ground/log.ts'
import type { Crew } from '../ground/workers/crew.ts'

const SETTLE = 'fleet settle'
const FORGET = 'fleet forget'

/** The fleet of this process as all of this machine know theirs: what another one has heard counts, too. */
export function joinFleets(fleet: FleetService, crew: Crew, log: Pick<Log, 'warn'>): FleetService {
  if (crew.size === 1) return fleet
  crew.on(SETTLE, () => fleet.settle())
  crew.on(FORGET, (body) => {
    const { appId, deviceId } = body as { appId: string; deviceId: string }
    return fleet.forget(appId, deviceId, () => Promise.resolve(true))
  })

  async function settle(): Promise<void> {
    const others = crew.ask(SETTLE, null).catch((error: unknown) => {
      log.warn({ err: error }, 'what other workers have heard of devices is written later')
    })
    await Promise.all([fleet.settle(), others])
  }

  /** Nothing that any of them was told before comes back. @throws problem unavailable when one of them does not answer */
  async function forget<Result>(appId: string, deviceId: string, remove: () => Promise<Result>): Promise<Result> {
    const done = await crew.ask(FORGET, { appId, deviceId })
    if (done.includes(undefined)) throw problem('unavailable', 'Not all worker processes could forget the device.')
    return fleet.forget(appId, deviceId, remove)
  }

  return { ...fleet, settle, forget }
}
