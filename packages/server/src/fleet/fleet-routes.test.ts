import { problem } from '@hotpatch/protocol'
import Fastify from 'fastify'
import { beforeEach, expect, test } from 'vitest'
import type { AppRow } from '../apps/app-service.ts'
import { migrate } from '../database/migrate.ts'
import { openDatabase } from '../database/open-database.ts'
import { answerWithProblems } from '../http/problem-response.ts'
import { fleetRoutes } from './fleet-routes.ts'
import { createFleetService, type FleetService } from './fleet-service.ts'
import { createFleetWriter } from './fleet-writer.ts'
import { createFakeTime } from './testing/fake-time.ts'
import { aNote, APP_ID, createRecordingLog, insertApp, RELEASE_1 } from './testing/fixtures.ts'

const app = () => {
  const server = Fastify()
  answerWithProblems(server)
  return server.register(
    fleetRoutes({
      fleet,
      resolveApp: (_, idOrSlug) =>
        idOrSlug === 'shop'
          ? Promise.resolve({ id: APP_ID } as AppRow)
          : Promise.reject(problem('app-not-found', 'No app is called that.')),
    }),
  )
}
const get = async (url: string) => {
  const response = await app().inject(url)
  return { status: response.statusCode, body: response.json() }
}
let fleet: FleetService

beforeEach(async () => {
  const db = openDatabase({ kind: 'sqlite', path: ':memory:' })
  await migrate(db)
  await insertApp(db)
  fleet = createFleetService({
    db,
    writer: createFleetWriter({ db }),
    ...createFakeTime(),
    log: createRecordingLog().log,
  })
  for (const deviceId of ['a', 'b/1', 'c']) fleet.noteCheck(aNote({ deviceId, currentReleaseId: RELEASE_1 }))
  fleet.noteCheck(aNote({ deviceId: 'd', platform: 'ios', channel: 'beta' }))
})

test('lists devices by pages', async () => {
  const first = await get('/apps/shop/devices?limit=3')
  expect(first).toMatchObject({ status: 200, body: { items: [{ id: 'd' }, { id: 'c' }, { id: 'b/1' }] } })
  const second = await get(`/apps/shop/devices?limit=3&cursor=${first.body.nextCursor}`)
  expect(second.body).toMatchObject({ items: [{ id: 'a' }], nextCursor: null })
})

test.each([
  ['platform=ios', ['d']],
  ['channel=beta&platform=android', []],
  [`releaseId=${RELEASE_1}`, ['c', 'b/1', 'a']],
])('filters devices by %s', async (query, ids) => {
  const { body } = await get(`/apps/shop/devices?${query}`)
  expect(body.items.map((item: { id: string }) => item.id)).toEqual(ids)
})

test('shows a device', async () => {
  expect(await get('/apps/shop/devices/b%2F1')).toMatchObject({
    status: 200,
    body: { id: 'b/1', currentReleaseId: RELEASE_1, failedReleaseIds: [], events: [] },
  })
})

test.each([
  ['/apps/shop/devices/nobody', 404, 'device-not-found'],
  ['/apps/nothing/devices', 404, 'app-not-found'],
  ['/apps/shop/devices?cursor=x', 400, 'invalid-request'],
  ['/apps/shop/devices?limit=0', 400, 'invalid-request'],
  ['/apps/shop/devices?platform=amiga', 400, 'invalid-request'],
])('%s: %i %s', async (url, status, type) => {
  const answer = await get(url)
  expect(answer).toMatchObject({ status, body: { type: expect.stringMatching(`/${type}$`) } })
})
