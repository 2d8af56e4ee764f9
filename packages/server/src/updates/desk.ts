import { hasStarted, placementsOf, Problem, problem, type ContentKindName, type Platform } from '@hotpatch/protocol'
import type { DeviceIdentity } from '../fleet/devices/device-identity.ts'
import { readProof, TOKEN_HEADER, type DeviceProof } from '../fleet/devices/device-proof.ts'
import { timeOfEvent, type DeviceReport } from '../fleet/recording/device-report.ts'
import type { FleetService } from '../fleet/recording/fleet-service.ts'
import type { Clock } from '../ground/clock.ts'
import type { LaneRoute } from '../ground/http/device-lane.ts'
import type { DeviceLimits } from '../ground/http/device-limits.ts'
import type { PlainAnswer, PlainRequest, ServedAddress } from '../ground/http/plain-request.ts'
import type { DirectoryEntry, OfferedRelease } from './catalog-queries.ts'
import type { Catalogs, KeyHolder, LiveCatalog } from './catalogs.ts'
import { checkNoteOf } from './check-note.ts'
import type {
  ChannelsRoute,
  CheckRoute,
  Dialect,
  DialectRoute,
  FeedRoute,
  RegistrationRoute,
  RejectedEvent,
  ReleaseRoute,
  ReportRoute,
  ToldEvent,
} from './dialect.ts'
import { identifyApp } from './identify-app.ts'
import { readFeed, readingOf } from './read-feed.ts'
import { findByName, type ReleaseName } from './release-names.ts'
import { findNamed, findReported, type ReportedRelease } from './reported-release.ts'
import type { UpdateService } from './update-service.ts'

/** The common way of every dialect: from a plain request to a plain answer. */
export function createDesk({
  catalogs,
  identity,
  proofs,
  updates,
  fleet,
  limits,
  clock,
  defaultApp,
  hasPublicUrl,
  onCheck,
}: {
  catalogs: Catalogs
  identity: DeviceIdentity
  proofs: DeviceProof
  updates: UpdateService
  fleet: FleetService
  limits: DeviceLimits
  clock: Clock
  /** Of addresses that name none, by id or slug. */
  defaultApp: string | null
  /** Whether addresses in answers are those of the configuration, and not of the host that a request names. */
  hasPublicUrl: boolean
  /** Counts the answers by dialect and kind of decision. */
  onCheck: (dialect: string, kind: string) => void
}) {
  /** What the dialect answers, for the lane. */
  function serve(dialect: Dialect): LaneRoute[] {
    return dialect.routes.map((route) => ({
      method: route.method,
      path: route.path,
      maxBodyBytes: route.maxBodyBytes,
      isCrossOrigin: dialect.isCrossOrigin ?? false,
      isDownload: route.kind === 'release' && (route.isDownload ?? false),
      answer: (request) => answer(dialect, route, request),
      refuse: (known, requestId) => dialect.renderProblem(known, requestId, route),
    }))
  }

  function answer(
    dialect: Dialect,
    route: DialectRoute,
    request: PlainRequest,
  ): PlainAnswer | ServedAddress | Promise<PlainAnswer> {
    const holder = identifyApp(catalogs, route.nameApp(request), request.appName, defaultApp)
    switch (route.kind) {
      case 'check':
        return check(dialect, route, holder, request)
      case 'feed':
        if (route.forDevice?.isTold(request)) return check(dialect, route.forDevice, holder, request)
        return feed(dialect, route, holder, request)
      case 'report':
        return report(dialect, route, holder, request)
      case 'registration':
        return register(dialect, route, holder, request)
      case 'release':
        return showRelease(dialect, route, holder, request)
      case 'channels':
        return showChannels(route, holder, request)
      case 'about':
        return route.render(request)
    }
  }

  /** Awaits nothing: neither the database nor the disk is on this path. */
  function check({ name }: Dialect, route: CheckReader, holder: KeyHolder, request: PlainRequest): PlainAnswer {
    const { platform: told, channel: askedChannel, check: asked, events } = route.read(request)
    const { app } = holder
    const platform = platformFor(holder, told) ?? onlyPlatformOf(app)
    const channel = holder.channel ?? askedChannel
    if (asked.deviceId !== null) {
      asked.deviceId = identity.storedId(app, asked.deviceId)
      limits.admitDevice(app.id, asked.deviceId)
    }
    asked.dialect = name
    const found = updates.answer(catalogs.get(app, platform, channel), asked)
    const rendered = route.render(found, request)
    const network = identity.networkOf(app, request.address)
    const proof =
      asked.deviceId === null ? undefined : readProof(proofs, app, asked.deviceId, request.header(TOKEN_HEADER))
    fleet.noteCheck(checkNoteOf({ app, platform, channel, dialect: name, network, proof }, found, clock.now()))
    onCheck(name, found.decision.kind)
    if (events && asked.deviceId !== null) {
      const { deviceId, nativeVersion, runtimeVersion, attributes } = asked
      const told = { deviceId, platform, channel, nativeVersion, runtimeVersion, attributes, proof, dialect: name }
      noteEvents(app, told, events, request.address)
    }
    return rendered
  }

  /**
   * What a check tells beside its question. Nobody waits for it, and what a client tells with each of its checks is
   * stored once: whether it was stored, the failures say that are in memory. What is more than a device, an address or
   * an app may report is not heard: the answer is the same.
   */
  function noteEvents(app: DirectoryEntry, told: CheckTeller, events: readonly ToldEvent[], address: string): void {
    const now = clock.now()
    const known = fleet.failedReleaseIds(app.id, told.deviceId)
    const reports = events.flatMap(({ subject, ...event }): DeviceReport[] => {
      const release = findNamed(catalogs, app, subject, told)
      if (!release || (event.detail === undefined && known.includes(release.id))) return []
      const { platform, channel } = told
      const about = { releaseId: release.id, platform, channel, at: now }
      return [{ ...told, ...event, ...findReported(catalogs, app, about, now) }]
    })
    if (reports.length === 0) return
    const bytes = reports.reduce((sum, { detail }) => sum + (detail?.length ?? 0), 0)
    const refused = orProblem(() => limits.admitEvents(address, app.id, told.deviceId, reports.length, bytes))
    if (refused instanceof Problem) return
    // Where there is no room, that is counted; most clients tell it again.
    fleet.recordEvents(app.id, reports).catch(() => undefined)
  }

  /** As a check: nothing is awaited. Nobody knows who reads it, so it is counted and that is all. */
  function feed(dialect: Dialect, route: FeedRoute, holder: KeyHolder, request: PlainRequest) {
    const { app } = holder
    const { platform = onlyPlatformOf(app), channel: askedChannel, attributes } = route.read(request)
    const channel = holder.channel ?? askedChannel
    const now = clock.now()
    const rollouts = readFeed(catalogs, app, { platform, channel }, readingOf(dialect, route, attributes), now)
    const platforms = platform === 'each' ? app.platforms : [platform]
    const findRestatement = (rolloutId: string) => {
      const found = platforms.map((each) => catalogs.get(app, each, channel).restatements.get(rolloutId))
      return found.find((restatement) => restatement !== undefined)
    }
    const { slug, appcastSignatures } = app
    const about = { slug, appcastSignatures, isSameForAll: hasPublicUrl && app.isOpen && app.channelKeys.size === 0 }
    const rendered = route.render(rollouts, request, about, findRestatement)
    const counted = platform === 'each' ? 'any' : platform
    fleet.countFeed({ appId: app.id, platform: counted, channel, isEmpty: rollouts.length === 0, at: now })
    onCheck(dialect.name, 'feed')
    return rendered
  }

  async function report(
    dialect: Dialect,
    route: ReportRoute,
    holder: KeyHolder,
    request: PlainRequest,
  ): Promise<PlainAnswer> {
    const { app } = holder
    const { deviceId: rawId, events, rejected: unreadable } = route.read(request)
    if (rawId === null) return route.render({ accepted: [], rejected: unreadable }, request)
    const deviceId = identity.storedId(app, rawId)
    limits.admitDevice(app.id, deviceId)
    limits.admitEvents(request.address, app.id, deviceId, events.length + unreadable.length, request.bodyBytes)
    const proof = readProof(proofs, app, deviceId, request.header(TOKEN_HEADER))
    const now = clock.now()
    const reports: DeviceReport[] = []
    const accepted: { index: number; releaseId: string | null }[] = []
    const rejected: RejectedEvent[] = [...unreadable]
    for (const { index, event } of events) {
      const channel = holder.channel ?? event.channel
      const reported = orProblem((): DeviceReport & ReportedRelease => {
        const platform = platformFor(holder, event.platform)
        const sent = { ...event, platform, channel, deviceId, proof, dialect: dialect.name }
        const subject = { ...event, platform, channel, at: timeOfEvent(sent, now) }
        return { ...sent, ...findReported(catalogs, app, subject, now) }
      })
      if (reported instanceof Problem) {
        // Nothing is stored yet: all of it is sent again.
        if (reported.status >= 500) throw reported
        rejected.push({ index, id: event.eventId ?? null, type: reported.type, detail: reported.message })
        continue
      }
      reports.push(reported)
      accepted.push({ index, releaseId: reported.releaseId })
    }
    await fleet.recordEvents(app.id, reports)
    return route.render({ accepted, rejected: rejected.sort((a, b) => a.index - b.index) }, request)
  }

  async function register(
    dialect: Dialect,
    route: RegistrationRoute,
    holder: KeyHolder,
    request: PlainRequest,
  ): Promise<PlainAnswer> {
    const { app } = holder
    const { version, deviceId: rawId, wantsCredential, ...told } = route.read(request)
    const registration = { ...told, channel: holder.channel ?? told.channel }
    const deviceId = identity.storedId(app, rawId)
    limits.admitDevice(app.id, deviceId)
    limits.admitEvents(request.address, app.id, deviceId, 1, request.bodyBytes)
    const catalog = catalogs.get(app, registration.platform, registration.channel)
    const release = version === undefined ? undefined : catalog.byVersion.get(version)
    await fleet.registerDevice(app.id, {
      ...registration,
      deviceId,
      dialect: dialect.name,
      proof: readProof(proofs, app, deviceId, request.header(TOKEN_HEADER)),
      nativeVersion: registration.nativeVersion ?? (release ? undefined : version),
      ...(release && { currentReleaseId: release.id, currentVersion: release.version }),
    })
    let deviceToken: string | null | undefined
    if (wantsCredential && app.deviceCredentials !== 'off') {
      // Whoever comes later may be anybody: the server cannot tell a phone that lost its credential from a stranger.
      const isFirst = await fleet.claimCredential(app.id, deviceId)
      deviceToken = isFirst ? proofs.issue(app, deviceId) : null
    }
    return route.render({ deviceId: rawId, deviceToken }, request)
  }

  /** From memory, and nothing is kept. */
  function showRelease(
    { takes }: Dialect,
    route: ReleaseRoute,
    { app, channel: fixed }: KeyHolder,
    request: PlainRequest,
  ) {
    const { deviceId, platform, channel, name, earlier } = route.read(request)
    if (deviceId !== undefined) limits.admitDevice(app.id, identity.storedId(app, deviceId))
    const all = () => catalogs.listOf(app).filter((catalog) => fixed === null || catalog.channel === fixed)
    const places = platform === undefined ? all() : [catalogs.get(app, platform, fixed ?? channel)]
    const { kinds } = takes({})
    const find = (asked: ReleaseName) => findTold(places, asked, kinds, clock.now())
    return route.render(find(name), request, earlier && find(earlier))
  }

  /** From memory, and nothing is kept: where a device is, its checks tell. */
  function showChannels(route: ChannelsRoute, { app, channel: fixed }: KeyHolder, request: PlainRequest): PlainAnswer {
    const { deviceId, platform = 'any', channel: wished } = route.read(request)
    if (deviceId !== undefined) limits.admitDevice(app.id, identity.storedId(app, deviceId))
    const name = fixed ?? wished
    if (name !== undefined) catalogs.get(app, platform, name)
    const all = [...app.channels].map(([name, { isOpen }]) => ({ name, isOpen }))
    return route.render({ fixed, wished, asked: all.find((channel) => channel.name === name), all }, request)
  }

  return { serve }
}

/** Who tells something with its check, and what else it says of itself. */
type CheckTeller = Omit<DeviceReport, 'kind' | 'channel' | 'platform' | 'deviceId'> & {
  platform: Platform
  channel: string
  deviceId: string
}

/** One name may be that of what other clients take, and before its time nobody was told of any. */
function findTold(
  places: readonly LiveCatalog[],
  name: ReleaseName,
  kinds: readonly ContentKindName[],
  now: number,
): OfferedRelease | undefined {
  for (const place of places) {
    const release = findByName(place, name)
    if (!release || !kinds.includes(release.content.kind)) continue
    if (placementsOf(place, release.id).some((rollout) => hasStarted(rollout, now))) return release
  }
  return undefined
}

type CheckReader = Pick<CheckRoute, 'read' | 'render'>

/**
 * A key may be of one platform. A binary of another was built with the wrong one, and what it would get cannot run there.
 * @throws problem app-key-invalid
 */
function platformFor({ platform: own }: KeyHolder, told: Platform | undefined): Platform | undefined {
  if (own === null || own === 'any' || told === undefined || told === 'any' || told === own) return own ?? told
  const detail = `The key is that of a channel for ${own}, and the device says that it runs on ${told}: build it with the key for ${told}.`
  throw problem('app-key-invalid', detail)
}

function onlyPlatformOf({ platforms }: DirectoryEntry): Platform {
  const [only = 'any', another] = platforms
  return another === undefined ? only : 'any'
}

function orProblem<Found>(find: () => Found): Found | Problem {
  try {
    return find()
  } catch (error) {
    if (error instanceof Problem) return error
    throw error
  }
}
