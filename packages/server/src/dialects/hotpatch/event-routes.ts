import { Problem } from '@hotpatch/protocol'
import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import type { Clock } from '../../ground/clock.ts'
import type { DeviceIdentity } from '../../fleet/devices/device-identity.ts'
import { readProof, type DeviceProof } from '../../fleet/devices/device-proof.ts'
import { timeOfEvent, type DeviceReport, type Proof } from '../../fleet/recording/device-report.ts'
import type { FleetService } from '../../fleet/recording/fleet-service.ts'
import type { DeviceLimits } from '../../ground/http/device-limits.ts'
import { takeJson } from '../../ground/http/take-json.ts'
import type { DirectoryEntry } from '../../updates/catalog-queries.ts'
import type { Catalogs } from '../../updates/catalogs.ts'
import { identifyApp } from '../../updates/identify-app.ts'
import { findReported } from '../../updates/reported-release.ts'
import { fieldsOf } from '../read-fields.ts'
import { readAppId, readEvents, type EventEnvelope, type RejectedEvent, type SentEvent } from './read-events.ts'

const MAX_BODY_BYTES = 256 * 1024

/** Our own SDKs' way to report: many events in one request, docs/protocol/06-events.md. */
export function hotPatchEventRoutes({
  catalogs,
  identity,
  proofs,
  fleet,
  limits,
  clock,
}: {
  catalogs: Catalogs
  identity: DeviceIdentity
  proofs: DeviceProof
  fleet: FleetService
  limits: DeviceLimits
  clock: Clock
}): FastifyPluginAsync {
  /** Events §5: answered when what can be stored is stored. */
  async function report(request: FastifyRequest) {
    const fields = fieldsOf(request.body)
    const app = identifyApp(catalogs, request, readAppId(fields))
    const { envelope, events, rejected } = readEvents(fields)
    const deviceId = identity.storedId(app, envelope.deviceId)
    limits.admitDevice(app.id, deviceId)
    limits.admitEvents(request, app.id, deviceId, events.length + rejected.length)
    const proof = readProof(proofs, app, deviceId, request.headers)
    const reports: DeviceReport[] = []
    for (const { index, event } of events) {
      const report = reportOf(app, { ...envelope, deviceId, proof }, event)
      if (report instanceof Problem) rejected.push(rejectionOf(index, event, report))
      else reports.push(report)
    }
    await fleet.recordEvents(app.id, reports)
    return { accepted: reports.length, rejected: rejected.sort((a, b) => a.index - b.index) }
  }

  function reportOf(
    app: DirectoryEntry,
    envelope: EventEnvelope & { proof: Proof | undefined },
    event: SentEvent,
  ): DeviceReport | Problem {
    const report: DeviceReport = { ...envelope, ...event }
    const now = clock.now()
    try {
      const { platform, channel } = envelope
      const subject = { ...event, platform, channel, at: timeOfEvent(report, now) }
      return { ...report, ...findReported(catalogs, app, subject, now) }
    } catch (error) {
      if (error instanceof Problem) return error
      throw error
    }
  }

  return async (app) => {
    app.addHook('onRequest', (request, _reply, done) => {
      limits.admitRequest(request)
      done()
    })
    takeJson(app, limits.admitBody)
    app.post('/events', { config: { access: 'app-key' }, bodyLimit: MAX_BODY_BYTES }, report)
  }
}

function rejectionOf(index: number, { eventId }: SentEvent, { type, message }: Problem): RejectedEvent {
  return { index, id: eventId, type, detail: message }
}
