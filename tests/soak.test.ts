import { describe, expect, test } from 'vitest'
import { createPopulation } from '../soak/actors/population.ts'
import { runCampaign } from '../soak/campaign.ts'
import { makePlan } from '../soak/faults/fault-plan.ts'
import { createFindings } from '../soak/findings.ts'
import { HEARD_WITHIN_MS, judgeOffer, type Offer } from '../soak/invariants/judge-offer.ts'
import { createLedger } from '../soak/ledger.ts'
import { FAULT_KINDS, readOptions, WrongUsage } from '../soak/options.ts'
import { renderReport } from '../soak/report.ts'
import { createTimeline } from '../soak/timeline.ts'

const SHORT = readOptions(['--minutes', '0.4', '--kills', '3', '--devices', '1000', '--rate', '20', '--seed', 'short'])

describe('a short campaign on SQLite', () => {
  test('kills the server and its workers, and finds everything that was acknowledged', async () => {
    const options = { ...SHORT, faults: ['kill-server', 'kill-worker'] as const }
    const result = await runCampaign('sqlite', options)
    expect(result.breaches).toEqual([])
    // A busy machine has no time for all of them.
    expect(result.struck.length).toBeGreaterThan(0)
    const looked = Object.fromEntries(result.invariants.map(({ name, looked }) => [name, looked]))
    const always = [
      'acknowledged-release',
      'acknowledged-rollout',
      'check-answered',
      'nothing-half',
      'audit-chain',
    ] as const
    for (const name of always) expect(looked[name], name).toBeGreaterThan(0)
    const machine = { cores: 1, system: 'any', node: process.version }
    const report = renderReport({ at: 'now', options, machine, results: [result] })
    expect(report).toContain('1 server on sqlite')
  })
})

describe('the plan', () => {
  const of = { seed: 'any', durationMs: 600_000, kills: 30, kinds: FAULT_KINDS, servers: 2 }

  test('is the same for the same seed, and another one for another', () => {
    expect(makePlan(of)).toEqual(makePlan(of))
    expect(makePlan({ ...of, seed: 'other' })).not.toEqual(makePlan(of))
  })

  test('has as many kills as were asked for, in the time that there is, and everything else too', () => {
    const plan = makePlan(of)
    expect(plan.filter(({ kind }) => kind.startsWith('kill-'))).toHaveLength(30)
    expect(new Set(plan.map(({ kind }) => kind))).toEqual(new Set(FAULT_KINDS))
    expect(plan.every(({ atMs }) => atMs >= 0 && atMs < of.durationMs)).toBe(true)
    expect(plan.map(({ atMs }) => atMs)).toEqual(plan.map(({ atMs }) => atMs).toSorted((one, two) => one - two))
  })
})

describe('an offer', () => {
  const release = {
    app: 'fleet',
    platform: 'android',
    version: '1.0.0',
    channel: 'production',
    sha256: 'a'.repeat(64),
    sizeBytes: 100,
    sequence: 5,
    isBad: false,
  }
  const statement = Buffer.from(JSON.stringify({ sequence: 5 })).toString('base64')
  const offer = {
    updateAvailable: true,
    releaseId: 'r1',
    version: '1.0.0',
    hash: release.sha256,
    sizeBytes: 100,
    statement,
  }
  const device = createPopulation(10, 'any').facts(3)

  function judge(
    changes: Partial<Offer>,
    of: { state?: 'active' | 'halted'; highest?: number; failedAt?: number } = {},
  ) {
    const ledger = createLedger(() => 0)
    ledger.acknowledgeRelease(ledger.attempt(release), 'r1')
    const rollout = {
      id: 'o1',
      releaseId: 'r1',
      platform: 'android' as const,
      channel: 'production',
      percentage: 100,
      revision: 1,
    }
    ledger.acknowledgeRollout({ ...rollout, state: of.state ?? 'active' })
    const who = { ...device, highestSequence: of.highest ?? 0 }
    const known = { app: 'fleet', ledger, askedAt: HEARD_WITHIN_MS + 1, failedAt: of.failedAt }
    const { judged } = judgeOffer({ ...offer, ...changes }, who, known)
    return judged.filter(({ holds }) => !holds).map(({ invariant }) => invariant)
  }

  test('of what is in force is good', () => expect(judge({})).toEqual([]))

  test.each([
    ['with other bytes', { hash: 'b'.repeat(64) }],
    ['with another size', { sizeBytes: 99 }],
    ['under another id', { releaseId: 'r2' }],
    ['that nobody published', { version: '9.0.0' }],
    ['without a statement', { statement: null }],
  ])('%s is found', (_name, changes) => expect(judge(changes)).toContain('offer-is-whole'))

  test('of less than the device has had is found', () => expect(judge({}, { highest: 6 })).toEqual(['high-water']))

  test('of what was halted long enough ago is found', () => {
    expect(judge({}, { state: 'halted' })).toEqual(['stopped-not-offered'])
  })

  test('of what failed on the device long enough ago is found', () => {
    expect(judge({}, { failedAt: 0 })).toEqual(['failed-not-again'])
  })
})

describe('findings', () => {
  test('count what was looked at, and keep what is broken', () => {
    const findings = createFindings(() => 0)
    findings.expectThat('audit-chain', true, () => 'nothing')
    expect(findings.isBroken()).toBe(false)
    findings.expectThat('audit-chain', false, () => 'an entry is missing')
    expect(findings.isBroken()).toBe(true)
    const { invariants, breaches } = findings.summary()
    expect(invariants.find(({ name }) => name === 'audit-chain')).toMatchObject({ looked: 2, broken: 1 })
    expect(breaches).toEqual([{ invariant: 'audit-chain', atSeconds: 0, detail: 'an entry is missing' }])
  })

  test('a disturbance excuses what began before its end, and nothing after it', () => {
    let now = 0
    const timeline = createTimeline(() => now)
    const end = timeline.begin('server:0')
    now = 10
    end(5)
    expect(timeline.wasDisturbed(14, 'server:0')).toBe(true)
    expect(timeline.wasDisturbed(14, 'server:1')).toBe(false)
    expect(timeline.wasDisturbed(16, 'server:0')).toBe(false)
  })
})

test.each([
  [['--minutes', 'many']],
  [['--kills', '-1']],
  [['--faults', 'kill-server,earthquake']],
  [['--database', 'oracle']],
  [['--unknown']],
])('wrong usage is told: %s', (args) => expect(() => readOptions(args)).toThrow(WrongUsage))
