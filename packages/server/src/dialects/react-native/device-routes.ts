import { problem, type Platform } from '@hotpatch/protocol'
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from '../../clock.ts'
import type { FleetService } from '../../fleet/fleet-service.ts'
import type { PublicUrl } from '../../http/public-url.ts'
import { requireRoom, type RateLimiter } from '../../http/rate-limit.ts'
import type { DirectoryEntry } from '../../updates/catalog-queries.ts'
import type { Catalogs, LiveCatalog } from '../../updates/catalogs.ts'
import type { UpdateService } from '../../updates/update-service.ts'
import {
  readAppId,
  readRegistration,
  readReport,
  readUpdateCheck,
  type ReactNativeReport,
} from './read-update-check.ts'
import { createAnswerWriter } from './render-decision.ts'

export interface DeviceRouteParts {
  catalogs: Catalogs
  updates: UpdateService
  fleet: FleetService
  publicUrl: PublicUrl
  deviceLimiter: RateLimiter
  addressLimiter: RateLimiter
  clock: Clock
  /** Counts the answers by kind. */
  onCheck: (kind: string) => void
}

type Fields = Readonly<Record<string, unknown>>

/** What the binary shipped with, where a report names what it is about. */
const EMBEDDED = 'embedded'

const MAX_BODY_BYTES = 64 * 1024
const JSON_TYPE = 'application/json; charset=utf-8'

/**
 * The device side of the React Native contract: the check, registrations and reports.
 * At the root the app is told by its key; under /apps/{slug} by the address.
 */
export function reactNativeDeviceRoutes(parts: DeviceRouteParts): FastifyPluginAsync {
  const { catalogs, updates, fleet, publicUrl, deviceLimiter, addressLimiter, clock, onCheck } = parts
  const writeAnswer = createAnswerWriter()
  const route = { config: { access: 'app-key' as const }, bodyLimit: MAX_BODY_BYTES }

  function check(request: FastifyRequest, reply: FastifyReply, fields: Fields): FastifyReply {
    const app = identifyApp(catalogs, request, fields)
    const { platform, channel, check: asked } = readUpdateCheck(fields)
    requireRoom(deviceLimiter, `${app.id} ${asked.deviceId}`, 'this device')
    const catalog = catalogs.get(app, platform, channel)
    const answer = updates.answer(catalog, asked)
    const { decision, device, currentVersion } = answer
    const body = writeAnswer(answer, publicUrl(request))
    fleet.noteCheck({
      appId: app.id,
      deviceId: device.id,
      platform,
      channel,
      nativeVersion: device.nativeVersion,
      runtimeVersion: device.runtimeVersion,
      currentReleaseId: device.currentReleaseId,
      currentVersion,
      cohorts: device.cohorts,
      decision: decision.kind,
      reason: decision.reason,
      at: clock.now(),
    })
    onCheck(decision.kind)
    return reply.header('content-type', JSON_TYPE).header('cache-control', 'no-store').send(body)
  }

  async function report(request: FastifyRequest) {
    const fields = fieldsOf(request.body)
    const app = identifyApp(catalogs, request, fields)
    const report = readReport(fields)
    requireRoom(deviceLimiter, `${app.id} ${report.deviceId}`, 'this device')
    const { releaseId, version } = findReported(catalogs, app, report)
    await fleet.recordEvents(app.id, [{ ...report, releaseId, version }])
    return { recorded: true, releaseId, status: fields.status }
  }

  async function register(request: FastifyRequest) {
    const fields = fieldsOf(request.body)
    const app = identifyApp(catalogs, request, fields)
    const { version, ...registration } = readRegistration(fields)
    requireRoom(deviceLimiter, `${app.id} ${registration.deviceId}`, 'this device')
    const catalog = catalogs.get(app, registration.platform, registration.channel)
    const release = version === undefined ? undefined : catalog.byVersion.get(version)
    await fleet.registerDevice(app.id, {
      ...registration,
      nativeVersion: registration.nativeVersion ?? (release ? undefined : version),
      ...(release && { currentReleaseId: release.id, currentVersion: release.version }),
    })
    return { registered: true, deviceId: registration.deviceId }
  }

  return async (app) => {
    // A logger of its own for each request costs as much as its decision, and a check has nothing to say.
    app.setChildLoggerFactory((logger) => logger)
    app.addHook('onRequest', (request, _reply, done) => {
      requireRoom(addressLimiter, request.ip, 'this address')
      done()
    })

    app.get('/update/check', route, (request, reply) => {
      const query = fieldsOf(request.query)
      if (!hasBody(request)) return check(request, reply, query)
      return readGetBody(request).then((body) => check(request, reply, { ...query, ...body }))
    })
    app.post('/update/check', route, (request, reply) => check(request, reply, fieldsOf(request.body)))
    app.post('/installations', route, report)
    app.post('/devices', route, register)
  }
}

/**
 * React Native §5: whose check this is. The key decides; an app that was switched to open may be named without one.
 * @throws problem app-key-required or app-key-invalid
 */
function identifyApp(catalogs: Catalogs, request: FastifyRequest, fields: Fields): DirectoryEntry {
  const appId = readAppId(fields)
  const key = request.headers['x-app-key']
  const { slug } = request.params as { slug?: string }
  const named = slug ?? appId
  if (typeof key === 'string' && key !== '') {
    const app = catalogs.findAppByKey(key)
    if (!app) throw problem('app-key-invalid', 'No app has the key in the header x-app-key.')
    const isOther = (name: string | undefined) => name !== undefined && name !== app.id && name !== app.slug
    if (isOther(slug) || isOther(appId)) throw problem('app-key-invalid', 'The key in x-app-key is of another app.')
    return app
  }
  const app = named === undefined ? undefined : catalogs.findApp(named)
  if (app?.isOpen) return app
  throw problem('app-key-required', 'Expected the header x-app-key with the key of the app, found none.')
}

/** A report may come long after its channel was left: the release is looked for in all of the app's catalogs. */
function findReported(catalogs: Catalogs, app: DirectoryEntry, report: ReactNativeReport) {
  const { releaseId, version, platform, channel } = report
  if (releaseId === undefined && (version === undefined || version === EMBEDDED))
    return { releaseId: null, version: null }
  if (releaseId !== undefined) {
    const release = catalogs.findRelease(app, releaseId)
    if (release) return { releaseId: release.id, version: release.version }
    throw problem('release-not-found', `The app has no release with the id ${releaseId}.`)
  }
  for (const catalog of catalogsOf(catalogs, app, platform, channel)) {
    const release = version === undefined ? undefined : catalog.byVersion.get(version)
    if (release) return { releaseId: release.id, version: release.version }
  }
  throw problem('release-not-found', `The channel "${channel}" has no release of the version ${version ?? ''}.`)
}

function catalogsOf(
  catalogs: Catalogs,
  app: DirectoryEntry,
  platform: Platform | undefined,
  channel: string,
): LiveCatalog[] {
  const platforms = platform === undefined ? app.platforms : [platform]
  return platforms.map((each) => catalogs.get(app, each, channel))
}

function fieldsOf(value: unknown): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields
  throw problem('invalid-request', 'Expected a JSON object.')
}

function hasBody({ headers }: FastifyRequest): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

/** The contract's original clients send a JSON body with GET, which the framework leaves unread. */
async function readGetBody(request: FastifyRequest): Promise<Fields> {
  const chunks: Buffer[] = []
  let sizeBytes = 0
  for await (const chunk of request.raw as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length
    if (sizeBytes > MAX_BODY_BYTES) throw problem('body-too-large', `Expected at most ${MAX_BODY_BYTES} bytes.`)
    chunks.push(chunk)
  }
  try {
    return fieldsOf(JSON.parse(Buffer.concat(chunks).toString('utf8')))
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause
    throw problem('malformed-json', 'Expected JSON in the body, or no body.', {}, { cause })
  }
}
