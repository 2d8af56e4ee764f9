import { problem } from '@hotpatch/protocol'
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from '../../ground/clock.ts'
import type { DeviceIdentity } from '../../fleet/devices/device-identity.ts'
import { readProof, type DeviceProof } from '../../fleet/devices/device-proof.ts'
import { timeOfEvent } from '../../fleet/recording/device-report.ts'
import type { FleetService } from '../../fleet/recording/fleet-service.ts'
import type { PublicUrl } from '../../ground/http/public-url.ts'
import type { DeviceLimits } from '../../ground/http/device-limits.ts'
import { takeJson } from '../../ground/http/take-json.ts'
import type { Catalogs } from '../../updates/catalogs.ts'
import { checkNoteOf } from '../../updates/check-note.ts'
import { identifyApp } from '../../updates/identify-app.ts'
import { findReported } from '../../updates/reported-release.ts'
import type { UpdateService } from '../../updates/update-service.ts'
import { fieldsOf, fieldsOfQuery, type Fields } from '../read-fields.ts'
import { readAppId, readRegistration, readReport, readUpdateCheck } from './read-update-check.ts'
import { createAnswerWriter } from './render-decision.ts'

export interface DeviceRouteParts {
  catalogs: Catalogs
  identity: DeviceIdentity
  proofs: DeviceProof
  updates: UpdateService
  fleet: FleetService
  publicUrl: PublicUrl
  limits: DeviceLimits
  clock: Clock
  /** Counts the answers by kind. */
  onCheck: (kind: string) => void
}

const MAX_BODY_BYTES = 64 * 1024
const JSON_TYPE = 'application/json; charset=utf-8'

/**
 * The device side of the React Native contract: the check, registrations and reports.
 * At the root the app is told by its key; under /apps/{slug} by the address.
 */
export function reactNativeDeviceRoutes(parts: DeviceRouteParts): FastifyPluginAsync {
  const { catalogs, identity, proofs, updates, fleet, publicUrl, limits, clock, onCheck } = parts
  const writeAnswer = createAnswerWriter()
  const route = { config: { access: 'app-key' as const }, bodyLimit: MAX_BODY_BYTES }

  function check(request: FastifyRequest, reply: FastifyReply, fields: Fields): FastifyReply {
    const app = identifyApp(catalogs, request, readAppId(fields))
    const { platform, channel, check: asked } = readUpdateCheck(fields)
    asked.deviceId = identity.storedId(app, asked.deviceId)
    limits.admitDevice(app.id, asked.deviceId)
    const catalog = catalogs.get(app, platform, channel)
    const answer = updates.answer(catalog, asked)
    const body = writeAnswer(answer, publicUrl(request))
    const network = identity.networkOf(app, request.ip)
    const proof = readProof(proofs, app, asked.deviceId, request.headers)
    fleet.noteCheck(checkNoteOf({ app, platform, channel, network, proof }, answer, clock.now()))
    onCheck(answer.decision.kind)
    return reply.header('content-type', JSON_TYPE).header('cache-control', 'no-store').send(body)
  }

  async function report(request: FastifyRequest) {
    const fields = fieldsOf(request.body)
    const app = identifyApp(catalogs, request, readAppId(fields))
    const report = readReport(fields)
    report.deviceId = identity.storedId(app, report.deviceId)
    limits.admitDevice(app.id, report.deviceId)
    limits.admitEvents(request, app.id, report.deviceId, 1)
    const now = clock.now()
    const reported = findReported(catalogs, app, { ...report, at: timeOfEvent(report, now) }, now)
    const proof = readProof(proofs, app, report.deviceId, request.headers)
    await fleet.recordEvents(app.id, [{ ...report, ...reported, proof }])
    return { recorded: true, releaseId: reported.releaseId, status: fields.status }
  }

  async function register(request: FastifyRequest) {
    const fields = fieldsOf(request.body)
    const app = identifyApp(catalogs, request, readAppId(fields))
    const { version, deviceId: rawId, wantsCredential, ...registration } = readRegistration(fields)
    const deviceId = identity.storedId(app, rawId)
    limits.admitDevice(app.id, deviceId)
    limits.admitEvents(request, app.id, deviceId, 1)
    const catalog = catalogs.get(app, registration.platform, registration.channel)
    const release = version === undefined ? undefined : catalog.byVersion.get(version)
    await fleet.registerDevice(app.id, {
      ...registration,
      deviceId,
      proof: readProof(proofs, app, deviceId, request.headers),
      nativeVersion: registration.nativeVersion ?? (release ? undefined : version),
      ...(release && { currentReleaseId: release.id, currentVersion: release.version }),
    })
    const answer = { registered: true, deviceId: rawId }
    if (!wantsCredential || app.deviceCredentials === 'off') return answer
    // Whoever comes later may be anybody: the server cannot tell a phone that lost its credential from a stranger.
    const isFirst = await fleet.claimCredential(app.id, deviceId)
    return { ...answer, deviceToken: isFirst ? proofs.issue(app, deviceId) : null }
  }

  return async (app) => {
    // A logger of its own for each request costs as much as its decision, and a check has nothing to say.
    app.setChildLoggerFactory((logger) => logger)
    app.addHook('onRequest', (request, _reply, done) => {
      limits.admitRequest(request)
      done()
    })
    takeJson(app, limits.admitBody)

    app.get('/update/check', route, (request, reply) => {
      const query = fieldsOfQuery(request.query)
      if (!hasBody(request)) return check(request, reply, query)
      return readGetBody(request, limits).then((body) => check(request, reply, { ...query, ...body }))
    })
    app.post('/update/check', route, (request, reply) => check(request, reply, fieldsOf(request.body)))
    app.post('/installations', route, report)
    app.post('/devices', route, register)
  }
}

function hasBody({ headers }: FastifyRequest): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

/** The contract's original clients send a JSON body with GET, which the framework leaves unread. */
async function readGetBody(request: FastifyRequest, limits: DeviceLimits): Promise<Fields> {
  const chunks: Buffer[] = []
  let sizeBytes = 0
  for await (const chunk of request.raw as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length
    if (sizeBytes > MAX_BODY_BYTES) throw problem('body-too-large', `Expected at most ${MAX_BODY_BYTES} bytes.`)
    chunks.push(chunk)
  }
  const body = Buffer.concat(chunks)
  limits.admitBody(request, body)
  try {
    return fieldsOf(JSON.parse(body.toString('utf8')))
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause
    throw problem('malformed-json', 'Expected JSON in the body, or no body.', {}, { cause })
  }
}
