import { DEFAULT_GUARD, DEFAULT_TRUST } from '@hotpatch/api'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { standingOfRank } from '../../fleet/progress/believed-devices.ts'
import {
  add,
  boundSample,
  DEVICES_OF_A_NETWORK,
  type Attempts,
  type Standings,
} from '../../fleet/progress/bounded-sample.ts'
import { DISTRUSTED_NETWORKS, judgeHealth, tripsWithout, type HealthQuestion } from './judge-health.ts'

const SHARE = DEFAULT_TRUST.networkPercent / 100

/** Whether each device of a network is bad, in the order in which they come. */
type Network = boolean[]

/** A few devices each, of which some are bad. */
const honestNetworks = fc
  .tuple(fc.array(fc.integer({ min: 1, max: 8 }), { minLength: 60, maxLength: 250 }), fc.nat(25))
  .map(([sizes, bad]) => sizes.map((size, index) => Array.from({ length: size }, () => index < bad)))
const inventedNetworks = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 400 }), fc.boolean()), { maxLength: DISTRUSTED_NETWORKS })
  .map((networks) => networks.map(([size, isBad]) => Array.from({ length: size }, () => isBad)))
const previous = fc.option(fc.record({ sample: fc.integer({ min: 50, max: 100_000 }), bad: fc.nat(50) }), { nil: null })

function standingsOf(networks: readonly Network[]): Standings {
  const standings = new Map<number, Attempts>()
  for (const devices of networks) {
    for (const [index, isBad] of devices.entries()) {
      const standing = standingOfRank(index + 1)
      standings.set(standing, add(standings.get(standing) ?? { attempted: 0, bad: 0 }, attempt(isBad)))
    }
  }
  return standings
}

const attempt = (isBad: boolean): Attempts => ({ attempted: 1, bad: isBad ? 1 : 0 })

/** As the database counts them. */
function badOfWorst(networks: readonly Network[], perNetwork: number): number {
  const bad = networks.map((devices) => Math.min(devices.filter(Boolean).length, perNetwork))
  const worst = bad.toSorted((a, b) => b - a).slice(0, DISTRUSTED_NETWORKS)
  return worst.reduce((sum, each) => sum + each, 0)
}

/** Of each network those that count. */
const counted = (networks: readonly Network[], perNetwork: number): Attempts =>
  networks.flatMap((devices) => devices.slice(0, perNetwork).map(attempt)).reduce(add, { attempted: 0, bad: 0 })

describe('devices of three networks, however many', () => {
  test('never make a guard trip that would not trip without them', () => {
    fc.assert(
      fc.property(honestNetworks, inventedNetworks, previous, fc.nat(50), (honest, invented, previous, looks) => {
        const all = [...honest, ...invented]
        const sample = boundSample(standingsOf(all), { share: SHARE, days: 1 })
        const question = (of: Attempts): HealthQuestion => ({
          settings: DEFAULT_GUARD,
          previous,
          looks,
          sample: of.attempted,
          bad: of.bad,
          attempted: of.attempted,
          lastAttempted: 0,
          isOverdue: true,
        })
        const asked = question(sample)
        const trips = judgeHealth(asked).verdict === 'trip' && tripsWithout(badOfWorst(all, sample.perNetwork), asked)
        if (!trips) return
        const alone = question(counted(honest, sample.perNetwork))
        // Too few of them to look is no all-clear: they would trip with as many again.
        expect(tripsWithout(0, alone)).toBe(true)
      }),
      { numRuns: 2_000 },
    )
  })

  test('are never more of a sample than their part', () => {
    fc.assert(
      fc.property(honestNetworks, inventedNetworks, fc.integer({ min: 1, max: 30 }), (honest, invented, days) => {
        const sample = boundSample(standingsOf([...honest, ...invented]), { share: SHARE, days })
        const most = Math.max(DEVICES_OF_A_NETWORK, days, SHARE * sample.attempted)
        expect(sample.perNetwork).toBeLessThanOrEqual(most)
        const { attempted } = counted(invented, sample.perNetwork)
        expect(attempted).toBeLessThanOrEqual(invented.length * most)
      }),
    )
  })
})

test('all are counted, or left out', () => {
  fc.assert(
    fc.property(honestNetworks, fc.nat(40), fc.nat(40), (networks, notOffered, tooNew) => {
      const standings = new Map(standingsOf(networks))
      standings.set(-1, { attempted: notOffered, bad: 0 }).set(-2, { attempted: tooNew, bad: 0 })
      const { attempted, leftOut } = boundSample(standings, { share: SHARE, days: 1 })
      const devices = networks.reduce((sum, { length }) => sum + length, 0)
      expect(attempted + leftOut.devices).toBe(devices + notOffered + tooNew)
      expect(leftOut).toMatchObject({ notOffered, tooNew })
    }),
  )
})
