import {
  placementsOf,
  compileCatalog,
  problem,
  type CatalogRollout,
  type CompiledCatalog,
  type Platform,
} from '@hotpatch/protocol'
import type { Database } from '../ground/database/schema.ts'
import type { DeviceIdentity } from '../fleet/devices/device-identity.ts'
import type { SecretBox } from '../ground/secrets/secret-box.ts'
import { digestsOf } from '../shipping/content/kinds.ts'
import { isOfTree, type OfferedPatch } from '../shipping/patches/patch-queries.ts'
import type { OfferedAnswer } from '../shipping/signed-answers/signed-answer-queries.ts'
import { createHeldFileLists } from './held-files.ts'
import {
  loadCatalog,
  loadDirectory,
  loadGenerations,
  type CatalogKey,
  type DirectoryEntry,
  type OfferedRelease,
  type Restatement,
} from './catalog-queries.ts'

/** A compiled catalog, with the statements of its roll-backs, by rollout id. */
export interface LiveCatalog extends CompiledCatalog<OfferedRelease> {
  restatements: ReadonlyMap<string, Restatement>
  embeddedAnswers: readonly OfferedAnswer[] | undefined
  /** By rollout id, where another server had counted some of them before; null: they count from 1. */
  labelNumbers: ReadonlyMap<string, number> | null
}

/** Whose a key is; of a channel's key, the channel, and the platform where it says that. */
export interface KeyHolder {
  app: DirectoryEntry
  channel: string | null
  platform: Platform | null
}

/** @see findBytes */
export interface FoundBytes {
  /** Of the release's whole content. */
  sha256: string
  /** Whether they are that, and no part of it. */
  isWhole: boolean
}

/**
 * How far down the stack releases are looked for whose files are held, for each requirement, as shells of one may have
 * nothing of another: below there is what nobody is offered any more.
 */
const MAX_OFFERED = 8
/** Of all requirements: newer ones have the room. */
const MAX_OFFERED_IN_ALL = 200

export type Catalogs = ReturnType<typeof createCatalogs>

/** Every catalog in memory. What a check reads here is synchronous; only changes and refreshes touch the database. */
export function createCatalogs({
  db,
  identity,
  box,
  maxHeldBytes,
}: {
  db: Database
  identity: DeviceIdentity
  box: SecretBox
  /** For lists of files. */
  maxHeldBytes?: number
}) {
  const lists = createHeldFileLists({ db, maxBytes: maxHeldBytes })
  let byIdOrSlug = new Map<string, DirectoryEntry>()
  let byBundleId = new Map<string, DirectoryEntry>()
  let byKey = new Map<string, KeyHolder>()
  /** By what stands in the database: each is decrypted once. */
  const keys = new Map<string, string>()
  const catalogs = new Map<string, LiveCatalog>()
  let directoryLoad = Promise.resolve()

  /** By id or slug. */
  function findApp(idOrSlug: string): DirectoryEntry | undefined {
    return byIdOrSlug.get(idOrSlug)
  }

  /** By what one of its binaries is called. */
  function findByBundleId(bundleId: string): DirectoryEntry | undefined {
    return byBundleId.get(bundleId)
  }

  /** By the app's own key, or by that of one of its channels. */
  function findKeyHolder(key: string): KeyHolder | undefined {
    return byKey.get(key)
  }

  /**
   * Never undefined for a channel and platform that the app has: with nothing placed there, the catalog is empty.
   * @throws problem channel-not-found or platform-not-found
   */
  function get(app: DirectoryEntry, platform: Platform, channel: string): LiveCatalog {
    const found = catalogs.get(keyOf(app.id, platform, channel))
    if (found) return found
    if (!app.channels.has(channel)) {
      throw problem('channel-not-found', `The app "${app.slug}" has no channel "${channel}".`)
    }
    if (platform !== 'any' && !app.platforms.includes(platform)) {
      throw problem(
        'platform-not-found',
        `The app "${app.slug}" is for ${app.platforms.join(', ')}, not ${platform}.`,
        { platform },
      )
    }
    // A platform that the app got later has none of its own yet, and what was placed for any is for it too.
    return catalogs.get(keyOf(app.id, 'any', channel)) ?? emptyCatalog({ appId: app.id, platform, channel })
  }

  /** Those of every platform and channel on which something was ever placed. */
  function listOf(app: DirectoryEntry): LiveCatalog[] {
    const platforms = [...app.platforms, 'any' as const]
    return platforms.flatMap((platform) =>
      [...app.channels.keys()].flatMap((channel) => catalogs.get(keyOf(app.id, platform, channel)) ?? []),
    )
  }

  /** A release that any of the app's channels ever placed, if it can be as the catalogs of a platform have it. */
  function findRelease(app: DirectoryEntry, releaseId: string, platform?: Platform): OfferedRelease | undefined {
    const all = listOf(app)
    for (const catalog of [...all.filter((each) => each.platform === platform), ...all]) {
      const target = releaseOf(catalog, releaseId)
      if (target) return target
    }
    return undefined
  }

  /** What bytes are to a release that was ever placed, of whichever app; undefined when it has none of them. */
  function findBytes(releaseId: string, sha256: string): FoundBytes | undefined {
    for (const catalog of catalogs.values()) {
      const target = placementsOf(catalog, releaseId)[0]?.target
      if (!target || target === 'embedded') continue
      const { content, held, variants } = target
      const digests = digestsOf(content)
      if (digests.includes(sha256)) return { sha256, isWhole: true }
      const [first] = digests
      if (variants.some((variant) => variant.sha256 === sha256)) return { sha256: first, isWhole: true }
      const patch = findPatch(target, sha256)
      if (patch) return { sha256: first, isWhole: isOfTree(patch) }
      const isFile = held.files?.some((file) => file.sha256 === sha256 || file.brotli?.sha256 === sha256) ?? false
      const isEncryptedFile = variants.some((variant) => variant.held.files?.some((file) => file.sha256 === sha256))
      return isFile || isEncryptedFile ? { sha256: first, isWhole: false } : undefined
    }
    return undefined
  }

  /** Of a release that any of the app's channels ever placed: the platform that it is for. */
  function platformOf(app: DirectoryEntry, releaseId: string): Platform | undefined {
    const platforms = listOf(app).flatMap(({ platform, byRelease }) => (byRelease.has(releaseId) ? [platform] : []))
    // One for any platform is in the catalogs of all of them.
    return platforms.includes('any') ? 'any' : platforms[0]
  }

  /** Compiles one catalog anew. */
  async function reload(key: CatalogKey): Promise<void> {
    const name = keyOf(key.appId, key.platform, key.channel)
    const before = catalogs.get(name)
    const data = await loadCatalog(db, key, identity, (id) => before && releaseOf(before, id))
    if (!data) return
    // Two reloads at once may finish in either order: the older one must not win.
    const isOld = () => (catalogs.get(name)?.generation ?? 0) > data.catalog.generation
    if (isOld()) return
    const offered = offeredOf(data.catalog.rollouts)
    const wanted = [...offered.values()].map(({ id, variants }) => ({
      releaseId: id,
      variantIds: variants.map((variant) => variant.id),
    }))
    const found = await lists.want(name, wanted)
    for (const release of offered.values()) {
      release.held = found.ofRelease(release.id)
      for (const variant of release.variants) variant.held = found.ofVariant(variant.id)
    }
    if (isOld()) return
    catalogs.set(name, {
      ...compileCatalog(data.catalog),
      restatements: data.restatements,
      embeddedAnswers: data.embeddedAnswers,
      labelNumbers: data.labelNumbers,
    })
  }

  /** One after the other: of two at once the older must not win. */
  function reloadDirectory(): Promise<void> {
    const load = directoryLoad.then(loadDirectoryNow)
    directoryLoad = load.catch(() => undefined) // the caller is told
    return load
  }

  async function loadDirectoryNow(): Promise<void> {
    await identity.compare(db)
    const entries = await loadDirectory(db, openKey)
    const changed = entries.filter(({ id, deviceIds }) => (byIdOrSlug.get(id)?.deviceIds ?? deviceIds) !== deviceIds)
    byIdOrSlug = new Map(entries.flatMap((entry) => [[entry.slug, entry] as const, [entry.id, entry] as const]))
    byBundleId = new Map(entries.flatMap((entry) => [...entry.bundleIds].map((id) => [id, entry] as const)))
    byKey = new Map(entries.flatMap(keysOf))
    for (const { id } of changed) await reloadCatalogsOf(id)
  }

  async function openKey(owner: string, sealed: string): Promise<string> {
    const known = keys.get(sealed)
    if (known !== undefined) return known
    const key = await box.open(owner, sealed)
    keys.set(sealed, key)
    return key
  }

  /** Its devices have other ids now, also those that its rollouts name. */
  async function reloadCatalogsOf(appId: string): Promise<void> {
    const keys = [...catalogs.values()].filter((catalog) => catalog.appId === appId)
    for (const { platform, channel } of keys) await reload({ appId, platform, channel })
  }

  /** Takes over what changed since: at the start everything, later what other servers changed. */
  async function refresh(): Promise<void> {
    await reloadDirectory()
    for (const { generation, ...key } of await loadGenerations(db)) {
      const known = catalogs.get(keyOf(key.appId, key.platform, key.channel))
      if (known?.generation !== generation) await reload(key)
    }
  }

  function counts() {
    return { apps: byIdOrSlug.size / 2, catalogs: catalogs.size, heldBytes: lists.heldBytes() }
  }

  return {
    findApp,
    findByBundleId,
    findKeyHolder,
    findRelease,
    findBytes,
    platformOf,
    listOf,
    get,
    reload,
    reloadDirectory,
    refresh,
    counts,
  }
}

function releaseOf(catalog: LiveCatalog, releaseId: string): OfferedRelease | undefined {
  const target = placementsOf(catalog, releaseId)[0]?.target
  return target === 'embedded' ? undefined : target
}

function findPatch({ patches }: OfferedRelease, sha256: string): OfferedPatch | undefined {
  for (const made of patches?.values() ?? []) {
    const found = made.find((patch) => patch.sha256 === sha256)
    if (found) return found
  }
  return undefined
}

/** The releases that may be offered now or after a roll-back, highest position first. */
function offeredOf(rollouts: readonly CatalogRollout<OfferedRelease>[]): Map<string, OfferedRelease> {
  const offered = new Map<string, OfferedRelease>()
  const counts = new Map<string, number>()
  for (const { state, target } of rollouts.toSorted((left, right) => right.position - left.position)) {
    if (target === 'embedded' || (state !== 'active' && state !== 'paused') || offered.has(target.id)) continue
    const requirement = JSON.stringify(target.requirement)
    const count = counts.get(requirement) ?? 0
    if (count === MAX_OFFERED) continue
    counts.set(requirement, count + 1)
    offered.set(target.id, target)
    if (offered.size === MAX_OFFERED_IN_ALL) break
  }
  return offered
}

function keysOf(app: DirectoryEntry): (readonly [string, KeyHolder])[] {
  const ofChannels = [...app.channelKeys].map(([key, place]) => [key, { app, ...place }] as const)
  return [...ofChannels, [app.appKey, { app, channel: null, platform: null }]]
}

/** App ids and platforms hold no slash. */
function keyOf(appId: string, platform: Platform, channel: string): string {
  return `${appId}/${platform}/${channel}`
}

function emptyCatalog(key: CatalogKey): LiveCatalog {
  const empty = compileCatalog<OfferedRelease>({ ...key, generation: 0, rollouts: [] })
  return { ...empty, restatements: new Map(), embeddedAnswers: undefined, labelNumbers: null }
}
