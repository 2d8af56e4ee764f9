import { problem, type Platform } from '@hotpatch/protocol'
import { DAY_MS, MINUTE_MS } from '../ground/clock.ts'
import type { DirectoryEntry, OfferedRelease } from './catalog-queries.ts'
import type { Catalogs, LiveCatalog } from './catalogs.ts'
import { rolloutOfEvent, type CountedRollout } from './counted-rollout.ts'
import { findByName, type ReleaseName } from './release-names.ts'

/** What a report says that it is about, and when that happened by the server's clock. */
export interface ReportedSubject {
  releaseId?: string | undefined
  version?: string | undefined
  name?: ReleaseName | undefined
  rolloutId?: string | undefined
  platform?: Platform | undefined
  channel: string
  at: number
}

export interface ReportedRelease {
  /** Null is what the binary shipped with, or nothing at all. */
  releaseId: string | null
  version: string | null
  rollout: CountedRollout | null
}

/** What the binary shipped with, where a report names what it is about. */
const EMBEDDED = 'embedded'

/**
 * A report may come long after its channel was left: the release is looked for in all of the app's catalogs.
 * @throws problem release-not-found, channel-not-found or platform-not-found; unavailable of a release that may just have
 * been published at another server
 */
export function findReported(
  catalogs: Catalogs,
  app: DirectoryEntry,
  subject: ReportedSubject,
  now: number,
): ReportedRelease {
  const { releaseId, version, name, rolloutId, at } = subject
  if (name === undefined && releaseId === undefined && (version === undefined || version === EMBEDDED)) {
    const isAboutEmbedded = version === EMBEDDED
    const event = { releaseId: null, rolloutId, at }
    const rollout = isAboutEmbedded ? rolloutOfEvent(catalogsOf(catalogs, app, subject), event, now) : null
    return { releaseId: null, version: null, rollout }
  }
  const release = findSubject(catalogs, app, subject)
  if (!release) throw mayBeYetToCome(subject, now) ? notYetHeard(releaseId) : notFound(subject)
  const event = { releaseId: release.id, rolloutId, at }
  const near = rolloutOfEvent(knownCatalogsOf(catalogs, app, subject), event, now)
  const rollout = near ?? rolloutOfEvent(catalogs.listOf(app), event, now)
  return { releaseId: release.id, version: release.version, rollout }
}

/** Of any of the app's channels; where a name is that of several releases, the one of where the device is. */
export function findNamed(
  catalogs: Catalogs,
  app: DirectoryEntry,
  name: ReleaseName,
  near: { platform: Platform; channel: string },
): OfferedRelease | undefined {
  for (const catalog of [catalogs.get(app, near.platform, near.channel), ...catalogs.listOf(app)]) {
    const release = findByName(catalog, name)
    if (release) return release
  }
  return undefined
}

function findSubject(catalogs: Catalogs, app: DirectoryEntry, subject: ReportedSubject): OfferedRelease | undefined {
  const { releaseId, name } = subject
  if (name !== undefined) return findByNameNear(catalogs, app, subject, name)
  return releaseId === undefined ? findByVersion(catalogs, app, subject) : catalogs.findRelease(app, releaseId)
}

/** A name may be counted on each channel: only there it names what is meant. */
function findByNameNear(catalogs: Catalogs, app: DirectoryEntry, subject: ReportedSubject, name: ReleaseName) {
  for (const catalog of knownCatalogsOf(catalogs, app, subject)) {
    const release = findByName(catalog, name)
    if (release) return release
  }
  return undefined
}

/** Of a platform a version names one release, also one that came from a channel which the device has left. */
function findByVersion(catalogs: Catalogs, app: DirectoryEntry, subject: ReportedSubject) {
  const { version = '', platform } = subject
  const near = catalogsOf(catalogs, app, subject)
  const others = catalogs.listOf(app).filter((catalog) => platform === undefined || isFor(catalog, platform))
  for (const catalog of [...near, ...others]) {
    const release = catalog.byVersion.get(version)
    if (release) return release
  }
  return undefined
}

function isFor(catalog: LiveCatalog, platform: Platform): boolean {
  return catalog.platform === platform || catalog.platform === 'any'
}

/** Those of the platform and channel that the device says it is on. */
function catalogsOf(catalogs: Catalogs, app: DirectoryEntry, { platform, channel }: ReportedSubject): LiveCatalog[] {
  const platforms = platform === undefined ? app.platforms : [platform]
  return platforms.map((each) => catalogs.get(app, each, channel))
}

/** A channel that is gone by now is no reason to refuse what happened on it. */
function knownCatalogsOf(catalogs: Catalogs, app: DirectoryEntry, subject: ReportedSubject): LiveCatalog[] {
  const isKnown = app.channels.has(subject.channel)
  const isPlatformKnown =
    subject.platform === undefined || subject.platform === 'any' || app.platforms.includes(subject.platform)
  return isKnown && isPlatformKnown ? catalogsOf(catalogs, app, subject) : []
}

/** A version 7 UUID begins with the milliseconds since 1970 at which it was made. */
const MADE_AT = /^([0-9a-f]{8})-([0-9a-f]{4})-7/

/**
 * Another server may have published it a moment ago and offered it to this device. A final "there is no such release" would
 * have the device throw its report away. One of a time to come was made by a server whose clock is ahead, or by nobody: until that
 * time a device's other reports would wait behind it, so not of any time.
 */
function mayBeYetToCome({ releaseId = '' }: ReportedSubject, now: number): boolean {
  const [, high, low] = MADE_AT.exec(releaseId) ?? []
  if (high === undefined) return false
  const agoMs = now - Number.parseInt(`${high}${low}`, 16)
  return agoMs < MINUTE_MS && agoMs > -DAY_MS
}

function notYetHeard(releaseId = '') {
  const detail = `This server has not heard of the release ${releaseId} yet. Send the report again.`
  return problem('unavailable', detail, { retryAfterSeconds: 5 })
}

function notFound({ releaseId, version, name }: ReportedSubject) {
  if (name !== undefined) {
    return problem('release-not-found', `The channel has no release that is called ${Object.values(name).join(' ')}.`)
  }
  return releaseId === undefined
    ? problem('release-not-found', `The app has no release of the version ${version ?? ''} that devices could have.`)
    : problem('release-not-found', `The app has no release with the id ${releaseId}.`)
}
