import type { App, Rollout } from '@hotpatch/api'
import type { AttributeRule } from '@hotpatch/protocol'
import {
  bundleOf,
  describeOnEveryDatabase,
  dumpDatabase,
  fixedClock,
  problemOf,
  startTestServer,
  type TestResponse,
  type TestServer,
} from '@hotpatch/testkit'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Database } from '../../ground/database/schema.ts'

describeOnEveryDatabase('the audience of a rollout', (openDatabase) => {
  let db: Database
  let server: TestServer
  let app: App
  let one: Buffer
  let two: Buffer

  beforeAll(async () => {
    db = await openDatabase()
    server = await startTestServer({ database: db, clock: fixedClock() })
    one = await bundleOf('one')
    two = await bundleOf('two')
  })
  afterAll(() => server.close())
  beforeEach(async () => {
    app = await server.createTestApp({ deviceCohorts: 'allowed' })
  })

  const get = async (id: string): Promise<Rollout> => (await server.request('GET', `/manage/v1/rollouts/${id}`)).body
  const patch = (id: string, body: unknown) => server.request('PATCH', `/manage/v1/rollouts/${id}`, { body })
  const place = (body: unknown) => server.request('POST', `/manage/v1/apps/${app.slug}/rollouts`, { body })
  const offered = async (fields: Record<string, unknown> = {}) => {
    const { body } = await server.check(app, fields)
    return body.updateAvailable ? body.version : body.reason
  }
  /** Without what checks teach, which is written when its time has come. */
  const policy = async () => {
    const { rollout, release, catalog_generation, audit_entry } = await dumpDatabase(db)
    return { rollout, release, catalog_generation, audit_entry }
  }
  /** The answer's problem and what it points at, after checking that nothing else came of the request. */
  async function refusal(act: () => Promise<TestResponse>): Promise<[string, unknown]> {
    const before = await policy()
    const response = await act()
    expect(await policy()).toEqual(before)
    return [problemOf(response), response.body.errors?.[0]?.pointer]
  }

  const NEW_SYSTEMS: AttributeRule = { attribute: 'osVersion', range: '>=14 <17' }
  const PIXELS: AttributeRule = { attribute: 'model', in: ['Pixel 8*', 'Pixel 9'] }
  const NOT_GERMAN: AttributeRule = { attribute: 'locale', notIn: ['de'] }

  describe('rules', () => {
    test('that come with a publish say who gets it', async () => {
      const { rolloutId } = await server.published(app, { bundle: one, rules: [NEW_SYSTEMS, PIXELS, NOT_GERMAN] })
      expect(await get(rolloutId)).toMatchObject({
        rules: [NEW_SYSTEMS, PIXELS, NOT_GERMAN],
        slice: null,
        experimentId: null,
      })
      const device = { osVersion: '15.1', model: 'pixel 8 pro', locale: 'en_GB' }
      expect(await offered(device)).toBe('1.0.0')
      expect(await offered({ ...device, osVersion: '17.0' })).toBe('attributes-differ')
      expect(await offered({ ...device, model: 'Pixel 9 Pro' })).toBe('attributes-differ')
      expect(await offered({ ...device, locale: 'de_AT' })).toBe('attributes-differ')
      expect(await offered({ ...device, model: undefined })).toBe('attributes-differ')
      expect(await offered()).toBe('attributes-differ')
    })

    test('are about native versions, builds and runtime versions too', async () => {
      const rules: AttributeRule[] = [
        { attribute: 'nativeVersion', range: '^2.1' },
        { attribute: 'nativeBuild', notIn: ['4501'] },
        { attribute: 'runtimeVersion', in: ['51.*'] },
      ]
      await server.published(app, { bundle: one, rules })
      const device = { nativeVersion: '2.4', nativeBuild: 4502, runtimeVersion: '51.0' }
      expect(await offered(device)).toBe('1.0.0')
      expect(await offered({ ...device, nativeVersion: '3.0' })).toBe('attributes-differ')
      expect(await offered({ ...device, nativeBuild: 4501 })).toBe('attributes-differ')
      expect(await offered({ ...device, runtimeVersion: '52.0' })).toBe('attributes-differ')
    })

    test('narrow a percentage and a cohort, and never a device that is named', async () => {
      const { rolloutId } = await server.published(app, {
        bundle: one,
        percentage: 0,
        devices: ['tester-1'],
        cohorts: ['staff'],
        rules: [NEW_SYSTEMS],
      })
      expect(await get(rolloutId)).toMatchObject({ devices: ['tester-1'], cohorts: ['staff'] })
      expect(await offered({ osVersion: '15' })).toBe('outside-audience')
      expect(await offered({ osVersion: '15', cohorts: ['staff'] })).toBe('1.0.0')
      expect(await offered({ osVersion: '13', cohorts: ['staff'] })).toBe('attributes-differ')
      expect(await offered({ deviceId: 'tester-1' })).toBe('1.0.0')
    })

    test('are changed, and checks go by the new ones at once', async () => {
      const { rolloutId } = await server.published(app, { bundle: one })
      expect(await offered()).toBe('1.0.0')
      const changed = await patch(rolloutId, { rules: [NEW_SYSTEMS] })
      expect(changed).toMatchObject({ status: 200, body: { rules: [NEW_SYSTEMS], percentage: 100 } })
      expect(await offered()).toBe('attributes-differ')
      expect(await offered({ osVersion: 15 })).toBe('1.0.0')
      await patch(rolloutId, { percentage: 50 })
      expect((await get(rolloutId)).rules).toEqual([NEW_SYSTEMS])
      await patch(rolloutId, { rules: [], percentage: 100 })
      expect(await offered()).toBe('1.0.0')
    })

    test('that are made stricter take nothing from those who have it', async () => {
      await server.published(app, { bundle: one })
      const second = await server.published(app, { version: '1.1.0', bundle: two })
      await patch(second.rolloutId, { rules: [NEW_SYSTEMS] })
      expect(await offered({ releaseId: second.releaseId, osVersion: '13' })).toBe('ahead-of-rollout')
      expect(await offered({ osVersion: '13' })).toBe('1.0.0')
    })

    test('are of one rollout: a promotion has its own', async () => {
      const { releaseId } = await server.published(app, { bundle: one, rules: [PIXELS] })
      const { body } = await place({ releaseId, channel: 'beta', rules: [NOT_GERMAN] })
      expect(body.rules).toEqual([NOT_GERMAN])
      expect((await place({ releaseId, channel: 'staging' })).body.rules).toEqual([])
      expect(await offered({ channel: 'beta', locale: 'fr' })).toBe('1.0.0')
      expect(await offered({ channel: 'staging' })).toBe('1.0.0')
    })

    test('stand in the audit log, before and after', async () => {
      const { rolloutId } = await server.published(app, { bundle: one })
      await patch(rolloutId, { rules: [PIXELS] })
      const { body } = await server.request('GET', `/manage/v1/audit?app=${app.slug}&action=rollout.changed`)
      expect(body.items[0]).toMatchObject({ before: { rules: [] }, after: { rules: [PIXELS] } })
    })
  })

  describe('what is no rule', () => {
    const wrong: [string, unknown, string][] = [
      ['a range that cannot be read', [NEW_SYSTEMS, { attribute: 'osVersion', range: '>= new' }], '#/rules/1/range'],
      ['a range of models', [{ attribute: 'model', range: '>=8' }], '#/rules/0/attribute'],
      ['two tests in one', [{ attribute: 'model', in: ['a'], notIn: ['b'] }], '#/rules/0'],
      ['no test', [{ attribute: 'model' }], '#/rules/0'],
      ['a star in the middle', [{ attribute: 'model', in: ['Pixel * Pro'] }], '#/rules/0/in/0'],
      ['an attribute that nobody tells', [{ attribute: 'battery', in: ['full'] }], '#/rules/0/attribute'],
      ['no values', [{ attribute: 'model', in: [] }], '#/rules/0/in'],
      ['too many rules', Array.from({ length: 21 }, () => PIXELS), '#/rules'],
      ['too many values', [{ attribute: 'model', in: Array.from({ length: 101 }, (_, n) => `m${n}`) }], '#/rules/0/in'],
      ['something else', 'osVersion>=14', '#/rules'],
    ]

    test.each(wrong)('is refused, and changes nothing: %s', async (_name, rules, pointer) => {
      const { rolloutId, releaseId } = await server.published(app, { bundle: one, rules: [PIXELS] })
      const isRefused = ['400 invalid-request', pointer]
      expect(await refusal(() => patch(rolloutId, { rules }))).toEqual(isRefused)
      expect(await refusal(() => place({ releaseId, channel: 'beta', rules }))).toEqual(isRefused)
      const published = () => server.publish(app, { version: '1.1.0', bundle: two, rules: rules as AttributeRule[] })
      expect(await refusal(published)).toEqual(isRefused)
      expect((await get(rolloutId)).rules).toEqual([PIXELS])
    })

    test('says what was expected and what was found', async () => {
      const { rolloutId } = await server.published(app, { bundle: one })
      const { body } = await patch(rolloutId, { rules: [{ attribute: 'osVersion', range: 'newest' }] })
      expect(body.detail).toBe('/rules/0/range: expected a range of versions such as ">=14 <17", found "newest"')
    })

    test('slices and tests are not for a request to set', async () => {
      const { rolloutId, releaseId } = await server.published(app, { bundle: one })
      const slice = { salt: 'arms', from: 0, to: 5000 }
      expect((await refusal(() => patch(rolloutId, { slice })))[0]).toBe('400 invalid-request')
      expect((await refusal(() => place({ releaseId, channel: 'beta', slice })))[0]).toBe('400 invalid-request')
    })
  })

  test('explain says that the attributes differ', async () => {
    await server.published(app, { bundle: one, rules: [PIXELS] })
    const { body } = await server.request(
      'GET',
      `/manage/v1/apps/${app.slug}/devices/device-1/explain?platform=android`,
    )
    expect(body.decision).toMatchObject({ kind: 'up-to-date', reason: 'attributes-differ' })
    expect(body.decision.explanation).toMatch(/does not meet a rule/)
  })
})
