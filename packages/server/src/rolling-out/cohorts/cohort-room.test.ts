import { COHORT_LIMITS } from '@hotpatch/api'
import { describeOnEveryDatabase, fixedClock, startTestServer } from '@hotpatch/testkit'
import { expect, test } from 'vitest'
import { createAuditService } from '../../people/audit/audit-service.ts'
import { SERVER } from '../../people/authors/author.ts'
import { createDeviceIdentity } from '../../fleet/devices/device-identity.ts'
import { createChanges } from '../../ground/database/changes.ts'
import { createCohortService } from './cohort-service.ts'

describeOnEveryDatabase('all cohorts of an app', (openDatabase) => {
  test('together have room for so many devices, as servers keep them in memory', async () => {
    const db = await openDatabase()
    const server = await startTestServer({ database: db })
    await server.createTestApp()
    const app = await db.selectFrom('app').selectAll().executeTakeFirstOrThrow()
    const common = { db, clock: fixedClock(), newId: () => crypto.randomUUID() }
    const cohorts = createCohortService({
      ...common,
      reads: db,
      audit: createAuditService(common),
      identity: createDeviceIdentity({ secret: 's'.repeat(32) }),
      countOtherMembers: () => COHORT_LIMITS.devicesOfApp - 2,
      changes: createChanges({ db, raise: () => Promise.resolve(), announce: () => undefined }),
      gate: { admit: () => Promise.resolve({ waits: false }) },
    })
    await cohorts.create(app, { name: 'testers', devices: ['a', 'b'] }, SERVER)
    const refused = { type: 'invalid-request', message: expect.stringMatching(/at most 1000000 .* make 1000001/) }
    await expect(cohorts.changeMembers(app, 'testers', { add: ['c'] }, SERVER)).rejects.toMatchObject(refused)
    const three = { name: 'others', devices: ['a', 'b', 'c'] }
    await expect(cohorts.create(app, three, SERVER)).rejects.toMatchObject(refused)
    expect((await cohorts.list(app)).items).toMatchObject([{ name: 'testers', deviceCount: 2 }])
    await server.close()
  })
})
