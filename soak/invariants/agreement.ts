import { setTimeout as wait } from 'node:timers/promises'
import type { Fleet } from '../actors/fleet.ts'
import type { World } from '../world.ts'
import { HEARD_WITHIN_MS } from './judge-offer.ts'

const EVERY_MS = 400

/** Asks both servers the same, all the time: they may differ for as long as a change takes to be heard of. */
export async function watchAgreement(world: World, fleet: Fleet): Promise<void> {
  const { timeline, findings, end } = world
  const whats = ['server:0', 'server:1', 'workers:0', 'workers:1', 'clock:0', 'clock:1', 'database'] as const
  let device = fleet.drawDevice()
  let since: number | undefined
  while (!end.aborted) {
    const startedAt = timeline.now()
    const [one, two] = await fleet.compare(device)
    if (one === undefined || two === undefined) since = undefined
    else if (one === two) {
      if (since !== undefined) findings.most('longest disagreement of two servers, ms', timeline.now() - since)
      findings.expectThat('servers-agree', true, () => '')
      since = undefined
      device = fleet.drawDevice()
    } else {
      findings.count('answers of two servers that differed at first')
      since ??= startedAt
      const isLate = timeline.now() - since > HEARD_WITHIN_MS
      if (isLate && !timeline.wasDisturbed(since, ...whats)) {
        findings.expectThat('servers-agree', false, () => `Device ${device} is answered ${one} and ${two}.`)
        since = undefined
        device = fleet.drawDevice()
      }
    }
    await wait(EVERY_MS)
  }
}
