import type { App, Guard, GuardChoice, PublishedRelease, Rollout } from '@hotpatch/api'
import {
  bundleOf,
  describeOnEveryDatabase,
  fixedClock,
  newSigningKey,
  problemOf,
  signRelease,
  signStatement,
  startTestServer,
  type TestServer,
} from '@hotpatch/testkit'
import { writeReleaseStatement, type NewReleaseStatement, STATED_EMBEDDED } from '@hotpatch/protocol'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { HOUR_MS } from '../../ground/clock.ts'
import type { Database } from '../../ground/database/schema.ts'
import { addAttempts } from './testing/add-attempts.ts'

describeOnEveryDatabase('guards', (openDatabase) => {
  const clock = fixedClock()
  let db: Database
  let server: TestServer
  let app: App

  beforeAll(async () => {
    db = await openDatabase()
    server = await startTestServer({ database: db, clock })
  })
  afterAll(() => server.close())
  beforeEach(async () => {
    app = await server.createTestApp()
  })

  const look = () => server.app.tick()
  const publish = async (version: string, changes: Record<string, unknown> = {}): Promise<PublishedRelease> =>
    server.published(app, { bundle: await bundleOf(version), version, ...changes })
  const attempt = (rolloutId: string, attempted: number, bad: number, at = clock.now()) =>
    addAttempts(db, rolloutId, { attempted, bad }, at)
  const guardOf = async (id: string): Promise<Guard> =>
    (await server.request('GET', `/manage/v1/rollouts/${id}/guard`)).body
  const change = (id: string, body: unknown) => server.request('PATCH', `/manage/v1/rollouts/${id}/guard`, { body })
  const rearm = (id: string) => server.request('POST', `/manage/v1/rollouts/${id}/guard/rearm`)
  const rolloutOf = async (id: string): Promise<Rollout> =>
    (await server.request('GET', `/manage/v1/rollouts/${id}`)).body
  const move = (id: string, transition: string) => server.request('POST', `/manage/v1/rollouts/${id}/${transition}`)
  const listRollouts = async (): Promise<Rollout[]> =>
    (await server.request('GET', `/manage/v1/apps/${app.slug}/rollouts`)).body.items
  const entries = async (action: string) =>
    (await server.request('GET', `/manage/v1/audit?app=${app.slug}&action=${action}`)).body.items
  const announced = (type: string) =>
    db.selectFrom('announcement').selectAll().where('app_id', '=', app.id).where('type', '=', type).execute()
  const offered = async (fields: Record<string, unknown> = {}) => {
    const { body } = await server.check(app, fields)
    return body.rollBackTo ?? (body.updateAvailable ? body.version : body.reason)
  }

  describe('every rollout of a release has one', () => {
    test('by default it pauses at more than 5 % of 50 devices in a day, and at twice the release before', async () => {
      const { rolloutId } = await publish('1.0.0')
      expect(await guardOf(rolloutId)).toEqual({
        rolloutId,
        state: 'watching',
        settings: {
          isOn: true,
          action: 'pause',
          minimumSample: 50,
          windowHours: 24,
          maxBadPercent: 5,
          maxTimesPrevious: 2,
        },
        watchedSince: new Date(clock.now()).toISOString(),
        looks: 0,
        figures: expect.objectContaining({ sample: 0, bad: 0, lowerPercent: 0, upperPercent: 100, previous: null }),
        toTrip: expect.any(Number),
        goesBackTo: null,
        prepared: [],
        trip: null,
      })
    })

    test('as its app has it, and whoever places it', async () => {
      const at = `/manage/v1/apps/${app.slug}`
      expect(app.guard).toEqual({})
      const guard: GuardChoice = { action: 'notify', maxBadPercent: 2 }
      const changed = await server.request('PATCH', at, { body: { guard } })
      expect(changed.body.guard).toEqual(guard)
      const { releaseId, rolloutId } = await publish('1.0.0', { guard: { maxBadPercent: 1 } })
      expect((await guardOf(rolloutId)).settings).toMatchObject({ action: 'notify', maxBadPercent: 1 })
      const body = { releaseId, channel: 'beta', guard: 'off' }
      const promoted = (await server.request('POST', `${at}/rollouts`, { body })).body
      expect((await guardOf(promoted.id)).settings).toMatchObject({ isOn: false, action: 'notify', maxBadPercent: 2 })
    })

    test('but what goes back to embedded has none', async () => {
      const body = { platform: 'android', channel: 'production', to: 'embedded' }
      const { id } = (await server.request('POST', `/manage/v1/apps/${app.slug}/rollbacks`, { body })).body
      expect(problemOf(await server.request('GET', `/manage/v1/rollouts/${id}/guard`))).toBe('404 guard-not-found')
    })

    test.each([
      { action: 'explode' },
      { maxBadPercent: 0 },
      { maxBadPercent: 101 },
      { minimumSample: 9 },
      { windowHours: 0 },
      { maxTimesPrevious: 0.5 },
      { unknown: 1 },
      'on',
    ])('%j is refused', async (guard) => {
      const before = await listRollouts()
      expect(problemOf(await server.publish(app, { bundle: await bundleOf('x'), guard: guard as GuardChoice }))).toBe(
        '400 invalid-request',
      )
      expect(await listRollouts()).toEqual(before)
    })
  })

  describe('when too many devices are bad', () => {
    test('it pauses the rollout, once, and says why', async () => {
      const { rolloutId } = await publish('1.0.0')
      await attempt(rolloutId, 100, 30)
      await look()
      expect(await rolloutOf(rolloutId)).toMatchObject({ state: 'paused' })
      const guard = await guardOf(rolloutId)
      const figures = expect.objectContaining({ look: 1, sample: 100, bad: 30, badPercent: 30, maxBadPercent: 5 })
      const at = new Date(clock.now()).toISOString()
      const trip = { at, cause: 'limit', action: 'pause', figures, rolloutId: null, backTo: null, passedOver: [] }
      expect(guard).toMatchObject({ state: 'tripped', looks: 1, trip })
      expect(guard.trip?.figures.lowerPercent).toBeGreaterThan(5)
      expect(await offered()).not.toBe('1.0.0')

      await attempt(rolloutId, 100, 100)
      await look()
      expect(await entries('guard.tripped')).toEqual([
        expect.objectContaining({ actorName: 'guard', subjectId: rolloutId, after: trip }),
      ])
      expect(await entries('rollout.paused')).toEqual([
        expect.objectContaining({ actorName: 'guard', actorKind: 'guard' }),
      ])
      const told = await announced('guard.tripped')
      expect(told.map(({ data }) => JSON.parse(data))).toEqual([
        expect.objectContaining({ action: 'pause', cause: 'limit', figures }),
      ])
      expect(await announced('rollout.paused')).toHaveLength(1)
    })

    test('it leaves alone what is not so bad, and remembers that it looked', async () => {
      const { rolloutId } = await publish('1.0.0')
      await attempt(rolloutId, 100, 5)
      await look()
      await look()
      await attempt(rolloutId, 9, 0)
      await look()
      expect(await guardOf(rolloutId)).toMatchObject({ state: 'watching', looks: 1, figures: { look: 2, sample: 109 } })
      await attempt(rolloutId, 1, 0)
      await look()
      expect(await guardOf(rolloutId)).toMatchObject({ state: 'watching', looks: 2 })
      expect(await rolloutOf(rolloutId)).toMatchObject({ state: 'active' })
    })

    test('it waits for its sample, and says what it would take', async () => {
      const { rolloutId } = await publish('1.0.0', { guard: { minimumSample: 200 } })
      await attempt(rolloutId, 199, 150)
      await look()
      expect(await guardOf(rolloutId)).toMatchObject({ state: 'watching', looks: 0 })
      const { toTrip } = await guardOf(rolloutId)
      expect(toTrip).toBeGreaterThan(10)
      expect(toTrip).toBeLessThan(40)
    })

    test('it only says so when that is all it is to do', async () => {
      const { rolloutId } = await publish('1.0.0', { guard: { action: 'notify' } })
      await attempt(rolloutId, 100, 30)
      await look()
      await look()
      expect(await rolloutOf(rolloutId)).toMatchObject({ state: 'active' })
      expect(await guardOf(rolloutId)).toMatchObject({ state: 'tripped', trip: { action: 'notify' } })
      expect(await entries('guard.tripped')).toHaveLength(1)
      expect(await announced('guard.tripped')).toHaveLength(1)
    })

    test('it says nothing while it is off, or its rollout has not started or has ended', async () => {
      const off = await publish('1.0.0', { guard: 'off' })
      const startsAt = new Date(clock.now() + HOUR_MS).toISOString()
      const scheduled = await publish('1.1.0', { startsAt })
      const halted = await publish('1.2.0')
      await move(halted.rolloutId, 'halt')
      for (const { rolloutId } of [off, scheduled, halted]) await attempt(rolloutId, 100, 100)
      await look()
      expect(await guardOf(off.rolloutId)).toMatchObject({ state: 'watching' })
      expect(await guardOf(scheduled.rolloutId)).toMatchObject({ state: 'watching' })
      expect(await guardOf(halted.rolloutId)).toMatchObject({ state: 'over' })
      expect(await entries('guard.tripped')).toEqual([])
      await change(off.rolloutId, { isOn: true })
      await look()
      expect(await guardOf(off.rolloutId)).toMatchObject({ state: 'tripped' })
    })

    test('it counts those who attempted it within the window', async () => {
      const { rolloutId } = await publish('1.0.0', { guard: { windowHours: 2 } })
      await attempt(rolloutId, 1000, 40)
      clock.advance(3 * HOUR_MS)
      await attempt(rolloutId, 100, 30)
      expect((await guardOf(rolloutId)).figures).toMatchObject({ sample: 100, bad: 30 })
      await look()
      expect(await guardOf(rolloutId)).toMatchObject({ state: 'tripped', trip: { figures: { sample: 100 } } })
    })

    test.each([
      ['every hour', HOUR_MS],
      ['although the clock was set back a day', -24 * HOUR_MS],
    ])('it looks again for crashes that come late, %s', async (_, byMs) => {
      const { rolloutId } = await publish('1.0.0')
      const hour = clock.now()
      await attempt(rolloutId, 100, 0)
      await look()
      await attempt(rolloutId, 0, 30, hour)
      await look()
      expect(await guardOf(rolloutId)).toMatchObject({ state: 'watching', looks: 1 })
      clock.advance(byMs)
      await look()
      expect(await guardOf(rolloutId)).toMatchObject({ state: 'tripped', looks: 2 })
    })

    test('a paused rollout is watched too', async () => {
      const before = await publish('1.0.0')
      const { rolloutId } = await publish('1.1.0', { guard: { action: 'roll-back' } })
      await move(rolloutId, 'pause')
      await attempt(rolloutId, 100, 30)
      await look()
      expect(await rolloutOf(rolloutId)).toMatchObject({ state: 'halted' })
      expect((await listRollouts())[0]).toMatchObject({ releaseId: before.releaseId, state: 'active' })
    })
  })

  describe('compared with the release before', () => {
    const twoReleases = async () => {
      const before = await publish('1.0.0')
      await attempt(before.rolloutId, 10_000, 50)
      return publish('1.1.0')
    }

    test('a release that is much worse trips below the limit', async () => {
      const { rolloutId } = await twoReleases()
      await attempt(rolloutId, 1000, 30)
      await look()
      expect(await guardOf(rolloutId)).toMatchObject({
        state: 'tripped',
        trip: { cause: 'previous', figures: { badPercent: 3, previous: { sample: 10_000, bad: 50, badPercent: 0.5 } } },
      })
    })

    test('it does not when that is not asked for', async () => {
      const { rolloutId } = await twoReleases()
      await change(rolloutId, { maxTimesPrevious: null })
      await attempt(rolloutId, 1000, 30)
      await look()
      expect(await guardOf(rolloutId)).toMatchObject({ state: 'watching', looks: 1 })
    })

    test('what was taken back, or hardly ran, is no measure', async () => {
      const measure = await publish('1.0.0')
      await attempt(measure.rolloutId, 5000, 25)
      const taken = await publish('1.1.0')
      await attempt(taken.rolloutId, 5000, 2500)
      await move(taken.rolloutId, 'halt')
      const rare = await publish('1.2.0')
      await attempt(rare.rolloutId, 49, 0)
      const { rolloutId } = await publish('1.3.0')
      expect((await guardOf(rolloutId)).figures.previous).toMatchObject({ sample: 5000, bad: 25 })
    })
  })

  describe('rolling back', () => {
    const bad = { guard: { action: 'roll-back' } } as const

    test('halts the rollout and places the release before on top, for the same devices', async () => {
      const good = await publish('1.0.0')
      const { rolloutId, releaseId } = await publish('1.1.0', { ...bad, percentage: 30, devices: ['device-1'] })
      expect(await offered()).toBe('1.1.0')
      await attempt(rolloutId, 100, 30)
      await look()

      const halted = await rolloutOf(rolloutId)
      expect(halted).toMatchObject({ state: 'halted' })
      const [rollback, ...others] = await listRollouts()
      expect(others).toHaveLength(2)
      expect(rollback).toMatchObject({
        releaseId: good.releaseId,
        state: 'active',
        createdBy: 'guard',
        percentage: 30,
        devices: ['device-1'],
        salt: halted.salt,
        sequence: null,
      })
      expect((await guardOf(rolloutId)).trip).toMatchObject({ action: 'roll-back', rolloutId: rollback?.id })
      expect(await offered({ version: '1.1.0', currentReleaseId: releaseId })).toBe('1.0.0')
      expect(await entries('rollout.rolled-back')).toEqual([
        expect.objectContaining({ actorName: 'guard', actorKind: 'guard' }),
      ])
      const told = await db
        .selectFrom('announcement')
        .select('type')
        .where('app_id', '=', app.id)
        .orderBy('id')
        .execute()
      expect(told.slice(-3).map(({ type }) => type)).toEqual(['guard.tripped', 'rollback', 'rollout.halted'])

      await look()
      await look()
      expect(await listRollouts()).toHaveLength(3)
      expect(await entries('guard.tripped')).toHaveLength(1)
    })

    test('never goes on and on: a roll-back can be paused only', async () => {
      await publish('1.0.0')
      await publish('1.1.0')
      const { rolloutId } = await publish('1.2.0', bad)
      await attempt(rolloutId, 100, 30)
      await look()
      const [rollback] = await listRollouts()
      expect((await guardOf(rollback?.id ?? '')).settings).toMatchObject({ action: 'pause' })
      await attempt(rollback?.id ?? '', 100, 100)
      await look()
      expect((await listRollouts())[0]).toMatchObject({ id: rollback?.id, state: 'paused' })
    })

    test('a person who rolls back has no endless chain either', async () => {
      await publish('1.0.0')
      await publish('1.1.0')
      await server.request('PATCH', `/manage/v1/apps/${app.slug}`, { body: bad })
      const body = { platform: 'android', channel: 'production', to: { version: '1.0.0' } }
      const { id } = (await server.request('POST', `/manage/v1/apps/${app.slug}/rollbacks`, { body })).body
      expect((await guardOf(id)).settings).toMatchObject({ action: 'pause' })
    })

    test('without a release before, halting sends devices to what they shipped with', async () => {
      const { rolloutId, releaseId } = await publish('1.0.0', bad)
      await attempt(rolloutId, 100, 30)
      await look()
      expect(await listRollouts()).toHaveLength(1)
      expect((await guardOf(rolloutId)).trip).toMatchObject({ rolloutId: null })
      expect(await offered({ version: '1.0.0', currentReleaseId: releaseId })).toBe('embedded')
    })

    test('halts only when something newer is in force: that is where those devices go', async () => {
      await publish('1.0.0')
      const { rolloutId } = await publish('1.1.0', bad)
      const fix = await publish('1.1.1')
      await attempt(rolloutId, 100, 30)
      await look()
      expect(await rolloutOf(rolloutId)).toMatchObject({ state: 'halted' })
      expect((await listRollouts())[0]).toMatchObject({ id: fix.rolloutId })
    })

    test('halts only when the start of something newer has come, and nobody has told it yet', async () => {
      await publish('1.0.0')
      const { rolloutId } = await publish('1.1.0', bad)
      const fix = await publish('1.1.1', { startsAt: new Date(clock.now() + HOUR_MS).toISOString() })
      await attempt(rolloutId, 100, 30)
      clock.advance(HOUR_MS)
      await look()
      expect(await rolloutOf(rolloutId)).toMatchObject({ state: 'halted' })
      expect((await listRollouts())[0]).toMatchObject({ id: fix.rolloutId })
    })

    test('skips what a guard found wrong, what is archived and what was for a few', async () => {
      const good = await publish('1.0.0')
      const archived = await publish('1.1.0')
      await server.request('DELETE', `/manage/v1/releases/${archived.releaseId}`)
      const tripped = await publish('1.2.0', { guard: { action: 'notify' } })
      await attempt(tripped.rolloutId, 100, 50)
      await look()
      await publish('1.3.0', { percentage: 1 })
      const { rolloutId } = await publish('1.4.0', bad)
      expect((await guardOf(rolloutId)).goesBackTo).toEqual({
        releaseId: good.releaseId,
        version: '1.0.0',
        isPrepared: false,
      })
      const at = `/manage/v1/apps/${app.slug}/guard-target?channel=production`
      expect((await server.request('GET', `${at}&platform=android`)).body.release).toMatchObject({ version: '1.4.0' })
      expect((await server.request('GET', `${at}&platform=ios`)).body).toEqual({ release: null, earlier: null })
    })
  })

  describe('a roll-back that was prepared', () => {
    const key = newSigningKey()
    const sign = async (version: string, sequence: number) => {
      const bundle = await bundleOf(version)
      return signRelease(key, { appId: app.id, platform: 'android', version, sequence, bundle })
    }
    const publishSigned = async (version: string, sequence: number, back?: { version: string; sequence: number }) => {
      const again = back && (await sign(back.version, back.sequence))
      return server.publish(app, {
        bundle: await bundleOf(version),
        version,
        guard: { action: 'roll-back' },
        signatures: {
          ...(await sign(version, sequence)),
          ...(again && {
            rollbackStatement: again.statement,
            rollbackStatementSignature: again.statementSignature,
          }),
        },
      })
    }

    test('is kept, takes its sequence, and is used when the guard trips', async () => {
      const good = (await publishSigned('1.0.0', 1)).body
      const { rolloutId, releaseId } = (await publishSigned('1.1.0', 2, { version: '1.0.0', sequence: 3 })).body
      expect((await guardOf(rolloutId)).goesBackTo).toMatchObject({ releaseId: good.releaseId, isPrepared: true })
      const next = await server.request('GET', `/manage/v1/apps/${app.slug}/sequence?platform=android`)
      expect(next.body.nextSequence).toBe(4)
      await attempt(rolloutId, 100, 30)
      await look()
      expect((await listRollouts())[0]).toMatchObject({ releaseId: good.releaseId, sequence: 3 })
      const { body } = await server.check(app, { version: '1.1.0', currentReleaseId: releaseId })
      const statement = JSON.parse(Buffer.from(body.statement, 'base64').toString())
      expect(statement).toMatchObject({ version: '1.0.0', sequence: 3 })
    })

    test('can be sent with a promotion, too', async () => {
      const good = (await publishSigned('1.0.0', 1)).body
      await server.request('POST', `/manage/v1/apps/${app.slug}/rollouts`, {
        body: { releaseId: good.releaseId, channel: 'beta' },
      })
      const { releaseId } = (await publishSigned('1.1.0', 2)).body
      const { statement, statementSignature } = await sign('1.0.0', 3)
      const body = { releaseId, channel: 'beta', prepared: [{ statement, statementSignature }] }
      const { body: placed } = await server.request('POST', `/manage/v1/apps/${app.slug}/rollouts`, { body })
      expect((await guardOf(placed.id)).goesBackTo).toMatchObject({ releaseId: good.releaseId, isPrepared: true })
    })

    const statementOf = (content: Partial<NewReleaseStatement>) => {
      const embedded = { ...STATED_EMBEDDED, floor: 0, requirement: {} } as const
      const named = { appId: app.id, platform: 'android', sequence: 1, createdAt: '2027-01-01T00:00:00.000Z' } as const
      return signStatement(key, writeReleaseStatement({ ...named, ...embedded, ...content }))
    }
    const publishWithTwo = async (version: string, sequence: number, near: string, far: string) => {
      const again = await sign(near, sequence + 1)
      const earlier = far === 'embedded' ? statementOf({ sequence: sequence + 2 }) : await sign(far, sequence + 2)
      const signatures = {
        ...(await sign(version, sequence)),
        rollbackStatement: again.statement,
        rollbackStatementSignature: again.statementSignature,
        earlierRollbackStatement: earlier.statement,
        earlierRollbackStatementSignature: earlier.statementSignature,
      }
      const bundle = await bundleOf(version)
      return server.publish(app, { bundle, version, guard: { action: 'roll-back' }, signatures })
    }
    const stated = (rollout: Rollout | undefined) => [rollout?.version, rollout?.sequence, rollout?.state]

    test('goes two steps back without a key, and no further', async () => {
      await publishSigned('1.0.0', 1)
      await publishSigned('1.1.0', 2)
      const { rolloutId } = (await publishWithTwo('1.2.0', 3, '1.1.0', '1.0.0')).body
      expect((await guardOf(rolloutId)).prepared).toEqual([
        { version: '1.1.0', sequence: 4 },
        { version: '1.0.0', sequence: 5 },
      ])
      const next = await server.request('GET', `/manage/v1/apps/${app.slug}/sequence?platform=android`)
      expect(next.body.nextSequence).toBe(6)
      await attempt(rolloutId, 100, 30)
      await look()
      const [first] = await listRollouts()
      expect(stated(first)).toEqual(['1.1.0', 4, 'active'])
      const guard = await guardOf(first?.id ?? '')
      expect(guard).toMatchObject({ settings: { action: 'roll-back' }, prepared: [{ version: '1.0.0', sequence: 5 }] })
      await attempt(first?.id ?? '', 100, 60)
      await look()
      const [second, halted] = await listRollouts()
      expect([stated(second), stated(halted)]).toEqual([
        ['1.0.0', 5, 'active'],
        ['1.1.0', 4, 'halted'],
      ])
      expect((await guardOf(second?.id ?? '')).settings).toMatchObject({ action: 'pause' })
      await attempt(second?.id ?? '', 100, 100)
      await look()
      expect(stated((await listRollouts())[0])).toEqual(['1.0.0', 5, 'paused'])
    })

    test('goes to the second at once when the first was halted meanwhile', async () => {
      await publishSigned('1.0.0', 1)
      const near = (await publishSigned('1.1.0', 2)).body
      const { rolloutId } = (await publishWithTwo('1.2.0', 3, '1.1.0', '1.0.0')).body
      await move(near.rolloutId, 'halt')
      await attempt(rolloutId, 100, 30)
      await look()
      const [placed] = await listRollouts()
      expect(stated(placed)).toEqual(['1.0.0', 5, 'active'])
      // What lies below the sequence that devices have seen by then is no way back any more.
      expect((await guardOf(placed?.id ?? '')).prepared).toEqual([])
    })

    test('ends at what the binary shipped with, signed, where there was one release before', async () => {
      await publishSigned('1.0.0', 1)
      const { rolloutId } = (await publishWithTwo('1.1.0', 2, '1.0.0', 'embedded')).body
      expect((await guardOf(rolloutId)).prepared).toEqual([
        { version: '1.0.0', sequence: 3 },
        { version: null, sequence: 4 },
      ])
      for (const version of ['1.1.0', '1.0.0']) {
        const [top] = await listRollouts()
        expect(top?.version).toBe(version)
        await attempt(top?.id ?? '', 100, 60)
        await look()
      }
      const [top] = await listRollouts()
      expect(top).toMatchObject({ target: 'embedded', sequence: 4, state: 'active' })
      const { body } = await server.check(app, { version: '1.0.0' })
      expect(JSON.parse(Buffer.from(body.statement, 'base64').toString())).toMatchObject({ target: 'embedded' })
    })

    const rollBack = async (version: string, sequence: number, ...steps: (string | null)[]) => {
      const signed = async (step: string | null, at: number) => {
        const { statement, statementSignature } = step === null ? statementOf({ sequence: at }) : await sign(step, at)
        return { statement, statementSignature }
      }
      const prepared = await Promise.all(steps.map((step, index) => signed(step, sequence + 1 + index)))
      return server.request('POST', `/manage/v1/apps/${app.slug}/rollbacks`, {
        body: {
          platform: 'android',
          channel: 'production',
          to: { version },
          guard: { action: 'roll-back' },
          ...(await signed(version, sequence)),
          ...(prepared.length > 0 && { prepared }),
        },
      })
    }

    test('of a roll-back goes on below the first rollout of its release, past what was rolled back from', async () => {
      await publishSigned('1.0.0', 1)
      await publishSigned('1.1.0', 2)
      await publishSigned('1.2.0', 3)
      const at = `/manage/v1/apps/${app.slug}/guard-target?channel=production&platform=android`
      const before = (await server.request('GET', `/manage/v1/apps/${app.slug}/releases`)).body.items
      const { id } = before.find(({ version }: { version: string }) => version === '1.1.0')
      expect((await server.request('GET', `${at}&releaseId=${id}`)).body).toMatchObject({
        release: { version: '1.0.0' },
        earlier: null,
      })
      const placed = (await rollBack('1.1.0', 4, '1.0.0', null)).body
      expect(await guardOf(placed.id)).toMatchObject({
        settings: { action: 'roll-back' },
        goesBackTo: { version: '1.0.0', isPrepared: true },
        prepared: [
          { version: '1.0.0', sequence: 5 },
          { version: null, sequence: 6 },
        ],
      })
      await attempt(placed.id, 100, 60)
      await look()
      const [near] = await listRollouts()
      expect(stated(near)).toEqual(['1.0.0', 5, 'active'])
      const trip = {
        backTo: { version: '1.0.0', sequence: 5 },
        passedOver: [{ version: '1.2.0', reason: 'rolled-back-from' }],
      }
      expect((await guardOf(placed.id)).trip).toMatchObject(trip)
      expect(await entries('guard.tripped')).toMatchObject([{ subjectId: placed.id, after: trip }])
      await attempt(near?.id ?? '', 100, 60)
      await look()
      const [far] = await listRollouts()
      expect(far).toMatchObject({ target: 'embedded', sequence: 6, state: 'active' })
      expect((await guardOf(near?.id ?? '')).trip?.passedOver).toEqual([
        { version: '1.1.0', reason: 'taken-back' },
        { version: '1.2.0', reason: 'rolled-back-from' },
      ])
    })

    test('of the release after a roll-back goes past what was rolled back from, too', async () => {
      await publishSigned('1.0.0', 1)
      await publishSigned('1.1.0', 2)
      await rollBack('1.0.0', 3, null)
      const { rolloutId } = (await publishWithTwo('1.2.0', 5, '1.0.0', 'embedded')).body
      await attempt(rolloutId, 100, 60)
      await look()
      expect(stated((await listRollouts())[0])).toEqual(['1.0.0', 6, 'active'])
    })

    test.each([
      ['to what was rolled back from', '1.1.0', ['1.2.0'], '422 statement-invalid'],
      ['to more than was before', '1.0.0', [null, null], '422 rollback-target-invalid'],
    ])('of a roll-back, %s, is refused, and nothing is placed', async (_case, version, steps, expected) => {
      await publishSigned('1.0.0', 1)
      await publishSigned('1.1.0', 2)
      await publishSigned('1.2.0', 3)
      const before = await listRollouts()
      expect(problemOf(await rollBack(version, 4, ...steps))).toBe(expected)
      expect(await listRollouts()).toEqual(before)
    })

    test('is refused for what the binary shipped with, which has no guard', async () => {
      await publishSigned('1.0.0', 1)
      const { statement, statementSignature } = await sign('1.0.0', 3)
      const body = {
        platform: 'android',
        channel: 'production',
        to: 'embedded',
        prepared: [{ statement, statementSignature }],
      }
      const refused = await server.request('POST', `/manage/v1/apps/${app.slug}/rollbacks`, { body })
      expect(problemOf(refused)).toBe('400 invalid-request')
    })

    test.each([
      ['of another release', '1.1.0', '9.9.9', '422 statement-invalid'],
      ['to embedded past a release', '1.1.0', 'embedded', '422 statement-invalid'],
      ['the wrong way round', '1.0.0', '1.1.0', '422 statement-invalid'],
    ])('two steps, %s, are refused, and nothing is published', async (_case, near, far, expected) => {
      await publishSigned('1.0.0', 1)
      await publishSigned('1.1.0', 2)
      const before = await listRollouts()
      expect(problemOf(await publishWithTwo('1.2.0', 3, near, far))).toBe(expected)
      expect(await listRollouts()).toEqual(before)
    })

    test('the second step is refused without the first, or below it', async () => {
      await publishSigned('1.0.0', 1)
      const send = async (steps: Record<string, string>) =>
        problemOf(
          await server.publish(app, {
            bundle: await bundleOf('1.1.0'),
            version: '1.1.0',
            signatures: { ...(await sign('1.1.0', 2)), ...steps },
          }),
        )
      const embedded = statementOf({ sequence: 3 })
      const earlier = {
        earlierRollbackStatement: embedded.statement,
        earlierRollbackStatementSignature: embedded.statementSignature,
      }
      expect(await send(earlier)).toBe('400 invalid-request')
      const near = await sign('1.0.0', 4)
      const both = {
        rollbackStatement: near.statement,
        rollbackStatementSignature: near.statementSignature,
        ...earlier,
      }
      expect(await send(both)).toBe('409 sequence-taken')
    })

    test.each([
      ['of another release', { version: '9.9.9', sequence: 3 }, '422 statement-invalid'],
      ['below the release', { version: '1.0.0', sequence: 1 }, '409 sequence-taken'],
      ['with the same sequence', { version: '1.0.0', sequence: 2 }, '409 sequence-taken'],
      ['that devices would refuse', { version: '1.0.0', sequence: 1_000_003 }, '422 sequence-too-far'],
    ])('%s is refused, and nothing is published', async (_case, back, expected) => {
      await publishSigned('1.0.0', 1)
      const before = await listRollouts()
      expect(problemOf(await publishSigned('1.1.0', 2, back))).toBe(expected)
      expect(await listRollouts()).toEqual(before)
    })

    test('is refused when there is nothing to go back to, or no key of the app signed it', async () => {
      expect(problemOf(await publishSigned('1.0.0', 1, { version: '1.0.0', sequence: 2 }))).toBe(
        '422 rollback-target-invalid',
      )
      await publishSigned('1.0.0', 1)
      const stranger = newSigningKey()
      const bundle = await bundleOf('1.0.0')
      const forged = signRelease(stranger, {
        appId: app.id,
        platform: 'android',
        version: '1.0.0',
        sequence: 3,
        bundle,
      })
      const signatures = {
        ...(await sign('1.1.0', 2)),
        rollbackStatement: forged.statement,
        rollbackStatementSignature: forged.statementSignature,
      }
      const refused = await server.publish(app, { bundle: await bundleOf('1.1.0'), version: '1.1.0', signatures })
      expect(problemOf(refused)).toBe('422 signature-invalid')
    })
  })

  describe('a person', () => {
    const tripped = async () => {
      const { rolloutId } = await publish('1.0.0')
      await attempt(rolloutId, 100, 30)
      await look()
      return rolloutId
    }

    test('who resumes the rollout lets the guard begin anew, without what it has seen', async () => {
      const id = await tripped()
      await move(id, 'resume')
      expect(await guardOf(id)).toMatchObject({ state: 'watching', looks: 0, figures: { look: 1, sample: 0, bad: 0 } })
      await look()
      expect(await rolloutOf(id)).toMatchObject({ state: 'active' })
      await attempt(id, 100, 30)
      expect((await guardOf(id)).figures).toMatchObject({ sample: 100, bad: 30 })
      await look()
      expect(await rolloutOf(id)).toMatchObject({ state: 'paused' })
      expect(await entries('guard.tripped')).toHaveLength(2)
    })

    test('may rearm one that only said so', async () => {
      const { rolloutId: id } = await publish('1.0.0', { guard: { action: 'notify' } })
      await attempt(id, 100, 30)
      await look()
      expect((await rearm(id)).body).toMatchObject({ state: 'watching', looks: 0, figures: { sample: 0 } })
      clock.advance(HOUR_MS)
      await attempt(id, 60, 1)
      await look()
      expect((await rearm(id)).body).toMatchObject({ state: 'watching', looks: 1, figures: { sample: 60 } })
      expect(await entries('guard.rearmed')).toHaveLength(1)
    })

    test('changes what it looks for', async () => {
      const { rolloutId } = await publish('1.0.0')
      const { body } = await change(rolloutId, { action: 'notify', maxBadPercent: 1.5 })
      expect(body.settings).toMatchObject({ action: 'notify', maxBadPercent: 1.5, minimumSample: 50 })
      const [entry] = await entries('guard.changed')
      expect(entry).toMatchObject({
        actorName: 'owner',
        before: { settings: { action: 'pause', maxBadPercent: 5 } },
        after: { settings: { action: 'notify', maxBadPercent: 1.5 } },
      })
    })

    test('cannot change or rearm what is over, nor resurrect what it halted', async () => {
      await publish('1.0.0')
      const { rolloutId } = await publish('1.1.0', { guard: { action: 'roll-back' } })
      await attempt(rolloutId, 100, 30)
      await look()
      expect(problemOf(await change(rolloutId, { action: 'notify' }))).toBe('409 guard-state')
      expect(problemOf(await rearm(rolloutId))).toBe('409 guard-state')
      expect(problemOf(await move(rolloutId, 'resume'))).toBe('409 rollout-state')
      expect(await guardOf(rolloutId)).toMatchObject({ state: 'tripped' })
    })

    test.each([{}, { maxBadPercent: 0 }, { isOn: 'yes' }, { other: 1 }])('is told that %j is wrong', async (body) => {
      const { rolloutId } = await publish('1.0.0')
      const before = await guardOf(rolloutId)
      expect(problemOf(await change(rolloutId, body))).toBe('400 invalid-request')
      expect(await guardOf(rolloutId)).toEqual(before)
    })

    test('who reads may read, and no more', async () => {
      const { rolloutId } = await publish('1.0.0')
      const token = await server.createToken({ role: 'reader' })
      const at = `/manage/v1/rollouts/${rolloutId}/guard`
      expect((await server.request('GET', at, { token })).status).toBe(200)
      expect(problemOf(await server.request('PATCH', at, { token, body: { isOn: false } }))).toBe('403 forbidden')
      expect(problemOf(await server.request('POST', `${at}/rearm`, { token }))).toBe('403 forbidden')
      const other = await server.createTestApp()
      const stranger = await server.createToken({ role: 'owner', app: other.slug })
      expect(problemOf(await server.request('GET', at, { token: stranger }))).toBe('403 forbidden')
    })
  })
})
