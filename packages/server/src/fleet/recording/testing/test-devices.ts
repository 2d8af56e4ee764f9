import { createAuditService } from '../../../people/audit/audit-service.ts'
import { systemClock } from '../../../ground/clock.ts'
import { createChanges } from '../../../ground/database/changes.ts'
import type { Database } from '../../../ground/database/schema.ts'
import { createDeviceIdentity, type IdentifiedApp } from '../../devices/device-identity.ts'
import { createDeviceService } from '../../devices/device-service.ts'
import type { FleetService } from '../fleet-service.ts'
import { APP_ID } from './fixtures.ts'

export const APP: IdentifiedApp = { id: APP_ID, deviceIds: 'as-given' }

/** What people see of the devices of a fleet service. */
export function createTestDevices(db: Database, fleet: FleetService) {
  const identity = createDeviceIdentity({ secret: 'a secret of at least 32 characters' })
  const audit = createAuditService({ db, clock: systemClock, newId: () => crypto.randomUUID() })
  const changes = createChanges({ db, raise: () => Promise.resolve(), announce: () => undefined })
  return createDeviceService({ db, fleet, identity, audit, changes })
}
