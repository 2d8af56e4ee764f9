import { DEFAULT_TRUST, type AddedSignature, type TrustDifferences } from '@hotpatch/api'
import {
  ENCRYPTION_ALGORITHM,
  type AttributeRule,
  type Audience,
  type AudienceSlice,
  type Catalog,
  type CatalogRelease,
  type CatalogRollout,
  type Encryption,
  type Platform,
  type Requirement,
  type RolloutState,
} from '@hotpatch/protocol'
import { MINUTE_MS } from '../ground/clock.ts'
import type { Connection, Schema } from '../ground/database/schema.ts'
import { appKeyOwner, channelKeyOwner } from '../ground/secrets/seal-database.ts'
import { countLabels } from '../rolling-out/rollouts/count-labels.ts'
import { loadAppcastSignatures } from '../shipping/appcasts/appcast-queries.ts'
import { BUNDLE_SIGNATURE } from '../shipping/signing/statement-check.ts'
import { listPlacedDiffs, type OfferedDiffs } from '../shipping/package-diffs/package-diff-queries.ts'
import { listPlacedPatches, MAX_PATCHED_ROLLOUTS, type OfferedPatches } from '../shipping/patches/patch-queries.ts'
import { keyIdOfPublicKey } from '../shipping/signing/signing-keys.ts'
import { listPlacedMaps } from '../shipping/block-maps/block-map-queries.ts'
import { listPlacedSignatures } from '../shipping/signing/added-signature-queries.ts'
import { listPlacedFiles, type FilesByRelease, type StoredFile } from '../shipping/content/content-queries.ts'
import type { OfferedBinary, OfferedBinaryFile } from '../shipping/content/binary/binary-kind.ts'
import { offeredContent } from '../shipping/content/content-service.ts'
import type { OfferedContent } from '../shipping/content/kinds.ts'
import { componentsFor } from '../shipping/content/kit/components-for.ts'
import type { OfferedFile } from './held-file-queries.ts'
import { NOTHING_HELD, type HeldContent } from './held-files.ts'
import { listPlacedAnswers, type OfferedAnswer } from '../shipping/signed-answers/signed-answer-queries.ts'
import { loadVariants, NO_VARIANTS, type OfferedVariant } from './offered-variant-queries.ts'
import type { DeviceIdentity, IdentifiedApp } from '../fleet/devices/device-identity.ts'

/** A release with all that an answer to a device carries: nothing is looked up later. */
export interface OfferedRelease extends CatalogRelease {
  content: OfferedContent
  binaries?: readonly OfferedBinaryFile[] | undefined
  answers?: readonly OfferedAnswer[] | undefined
  /** Its files, where it has some and they are in memory: then a device may take only those that it lacks. */
  held: HeldContent<OfferedFile>
  /** Of what a device has; absent where there are none. */
  patches?: OfferedPatches
  /** What its publisher has encrypted of it, for devices that have the key. */
  variants: readonly OfferedVariant[]
  notes: string
  signature: string | null
  /** The exact text that was signed. */
  statement: string | null
  statementSignature: string | null
  /** Of further schemes; absent where there are none, as room is dear. */
  signatures?: readonly OfferedSignature[]
}

/** Over the bytes with the SHA-256 `subject`. */
type OfferedSignature = Pick<AddedSignature, 'scheme' | 'subject' | 'value'>

/** A roll-back's own statement goes with its rollout. */
export interface Restatement {
  statement: string
  statementSignature: string
}

/** Which catalog. */
export interface CatalogKey {
  appId: string
  platform: Platform
  channel: string
}

export interface CatalogData {
  catalog: Catalog<OfferedRelease>
  restatements: ReadonlyMap<string, Restatement>
  embeddedAnswers: readonly OfferedAnswer[] | undefined
  /** @see LiveCatalog */
  labelNumbers: ReadonlyMap<string, number> | null
}

export interface DirectoryEntry {
  id: string
  slug: string
  appKey: string
  /** Further keys, each with what it names. */
  channelKeys: ReadonlyMap<string, KeyPlace>
  isOpen: boolean
  deviceIds: 'hashed' | 'as-given'
  platforms: readonly Platform[]
  /** By name, oldest first: whether devices may choose it by themselves. */
  channels: ReadonlyMap<string, { isOpen: boolean }>
  /** What its binaries are called. */
  bundleIds: ReadonlySet<string>
  deviceCredentials: 'off' | 'optional' | 'required'
  /** Whether a device is in the cohorts that it says it is in. */
  allowsDeviceCohorts: boolean
  /** How long after its first check another one has to come for a new device to be believed. */
  observedMs: number
  /** Of its feeds that its publisher signed (Appcast §7): the signatures, by the SHA-256 of what they are over. */
  appcastSignatures: ReadonlyMap<string, string>
}

/** Where a key leads. */
export interface KeyPlace {
  channel: string
  /** Null where the client tells its own. */
  platform: Platform | null
}

/** Every app with its channels: what a check needs to know before there is a catalog. */
export async function loadDirectory(
  db: Connection,
  open: (owner: string, sealed: string) => Promise<string>,
): Promise<DirectoryEntry[]> {
  const apps = await db.selectFrom('app').selectAll().where('deleted_at', 'is', null).orderBy('id').execute()
  const channels = await db.selectFrom('channel').select(['app_id', 'name', 'device_choice']).orderBy('id').execute()
  const bundleIds = Map.groupBy(await db.selectFrom('app_bundle_id').selectAll().execute(), (row) => row.app_id)
  const keys = await db.selectFrom('channel_key').selectAll().where('revoked_at', 'is', null).execute()
  const channelKeys = Map.groupBy(keys, (key) => key.app_id)
  const names = Map.groupBy(channels, (channel) => channel.app_id)
  const signatures = await loadAppcastSignatures(db)
  const entries = apps.map(async (app) => ({
    id: app.id,
    slug: app.slug,
    appKey: await open(appKeyOwner(app.id), app.app_key),
    channelKeys: await openChannelKeys(channelKeys.get(app.id) ?? [], open),
    isOpen: app.check_access === 'open',
    deviceIds: app.device_ids,
    platforms: JSON.parse(app.platforms) as Platform[],
    channels: new Map(names.get(app.id)?.map((row) => [row.name, { isOpen: row.device_choice === 'open' }])),
    bundleIds: new Set(bundleIds.get(app.id)?.map((row) => row.bundle_id)),
    deviceCredentials: app.device_credentials,
    allowsDeviceCohorts: app.device_cohorts === 'allowed',
    observedMs: observedMinutes(app.trust) * MINUTE_MS,
    appcastSignatures: signatures.get(app.id) ?? NO_SIGNATURES,
  }))
  return Promise.all(entries)
}

const NO_SIGNATURES: ReadonlyMap<string, string> = new Map()

async function openChannelKeys(
  rows: readonly Schema['channel_key'][],
  open: (owner: string, sealed: string) => Promise<string>,
): Promise<ReadonlyMap<string, KeyPlace>> {
  const pairs = rows.map(
    async ({ id, key, channel, platform }) => [await open(channelKeyOwner(id), key), { channel, platform }] as const,
  )
  return new Map(await Promise.all(pairs))
}

function observedMinutes(trust: string): number {
  return { ...DEFAULT_TRUST, ...(JSON.parse(trust) as TrustDifferences) }.observedMinutes
}

/** The generation of every catalog that ever had a rollout. */
export async function loadGenerations(db: Connection): Promise<(CatalogKey & { generation: number })[]> {
  const rows = await db.selectFrom('catalog_generation').selectAll().execute()
  return rows.map((row) => ({
    appId: row.app_id,
    platform: row.platform,
    channel: row.channel,
    generation: row.generation,
  }))
}

/**
 * One catalog as the database has it now; undefined when nothing was ever placed there.
 * Forced devices are stored as whoever placed the rollout wrote them, and are known here as every device is.
 * @param findKnown a release of the same catalog as it was before: what was read of its manifest is not read again
 */
export async function loadCatalog(
  db: Connection,
  key: CatalogKey,
  identity: DeviceIdentity,
  findKnown: FindKnown = () => undefined,
): Promise<CatalogData | undefined> {
  const { appId, platform, channel } = key
  // The generation first: what changes in between raises it again, and is loaded again.
  const row = await db
    .selectFrom('catalog_generation')
    .innerJoin('app', 'app.id', 'catalog_generation.app_id')
    .select(['generation', 'device_ids'])
    .where('app_id', '=', appId)
    .where('platform', '=', platform)
    .where('channel', '=', channel)
    .executeTakeFirst()
  if (!row) return undefined

  const app: IdentifiedApp = { id: appId, deviceIds: row.device_ids }
  const rows = await selectPlacements(db, key).execute()
  const keyIds = await loadKeyIds(db, appId)
  const files = await listPlacedFiles(db, key)
  const added = await listPlacedSignatures(db, key)
  const maps = await listPlacedMaps(db, key)
  const answers = await listPlacedAnswers(db, key)
  const releases = new Map<string, OfferedRelease>()
  const requirements = new Map<string, Requirement>()
  const audiences = new Map<string, Audience>()
  const restatements = new Map<string, Restatement>()
  const rollouts: CatalogRollout<OfferedRelease>[] = []
  for (const placement of rows) {
    const { statement, statement_signature, sequence, floor } = placement
    if (statement !== null && statement_signature !== null) {
      restatements.set(placement.id, { statement, statementSignature: statement_signature })
    }
    const target = targetOf(placement, releases, requirements, {
      platform,
      keyIds,
      files,
      added,
      maps,
      answers,
      findKnown,
    })
    const keyId = keyIds.get(placement.key_id ?? '') ?? null
    rollouts.push({
      id: placement.id,
      position: placement.position,
      target,
      state: STATES[placement.state],
      ...(placement.awaits_approval === 1 && { awaitsApproval: true }),
      startsAt: placement.starts_at,
      startedAt: Math.max(placement.created_at, placement.starts_at ?? 0),
      ...(placement.ended_at !== null && { endedAt: placement.ended_at }),
      mandatory: placement.mandatory === 1,
      ...(placement.mandatory_below !== null && { mandatoryBelow: placement.mandatory_below }),
      audience: readAudience(placement, app, identity, audiences),
      restated:
        sequence === null
          ? null
          : { sequence, floor: floor ?? 0, keyId, statedAt: statedAt(target, placement.stated_at) },
    })
  }
  addMade(rollouts, { diffs: await listPlacedDiffs(db, key), patches: await listPlacedPatches(db, key) })
  const variants = await loadVariants(db, key)
  for (const [id, release] of releases) release.variants = variants.get(id) ?? NO_VARIANTS
  const embeddedAnswers = answers.get(null)
  return {
    catalog: { ...key, generation: row.generation, rollouts, ...(embeddedAnswers && { embeddedAnswers }) },
    restatements,
    embeddedAnswers,
    labelNumbers: numberLabels(rows),
  }
}

/** Most catalogs have nothing from elsewhere, and keep nothing for it. */
function numberLabels(rows: readonly PlacementRow[]): ReadonlyMap<string, number> | null {
  if (rows.every(({ label_number }) => label_number === null)) return null
  const oldestFirst = rows.toReversed()
  const numbers = countLabels(oldestFirst.map(({ label_number }) => label_number))
  return new Map(oldestFirst.map(({ id }, index) => [id, numbers[index] ?? 0]))
}

/** What was made of contents for those who run others, each by the digest of the content that it leads to. */
function addMade(
  rollouts: readonly CatalogRollout<OfferedRelease>[],
  made: { diffs: ReadonlyMap<string, OfferedDiffs>; patches: ReadonlyMap<string, OfferedPatches> },
): void {
  for (const { target } of rollouts.slice(0, MAX_PATCHED_ROLLOUTS)) {
    if (target === 'embedded' || target.content.kind === 'binary') continue
    const patches = made.patches.get(target.content.sha256)
    if (patches) target.patches = patches
    const diffs = made.diffs.get(target.content.sha256)
    if (diffs && target.content.kind === 'archive') target.content.diffs = diffs
  }
}

/** Also those that are revoked: what they signed is still signed by them. */
async function loadKeyIds(db: Connection, appId: string): Promise<ReadonlyMap<string, string>> {
  const keys = await db
    .selectFrom('signing_key')
    .select(['id', 'public_key'])
    .where('app_id', '=', appId)
    .where('algorithm', '=', 'ed25519')
    .execute()
  return new Map(keys.map(({ id, public_key }) => [id, keyIdOfPublicKey(public_key)]))
}

function selectPlacements(db: Connection, { appId, platform, channel }: CatalogKey) {
  return db
    .selectFrom('rollout')
    .leftJoin('statement as own', 'own.id', 'rollout.statement_id')
    .leftJoin('release', 'release.id', 'rollout.release_id')
    .leftJoin('statement as stated', 'stated.id', 'release.statement_id')
    .leftJoin('signature', (join) =>
      join
        .onRef('signature.release_id', '=', 'release.id')
        .on('signature.subject', '=', BUNDLE_SIGNATURE.subject)
        .on('signature.scheme', '=', BUNDLE_SIGNATURE.scheme),
    )
    .select([
      'rollout.id',
      'rollout.position',
      'rollout.release_id',
      'rollout.state',
      'rollout.awaits_approval',
      'rollout.starts_at',
      'rollout.created_at',
      'rollout.ended_at',
      'rollout.mandatory',
      'rollout.mandatory_below',
      'rollout.devices',
      'rollout.cohorts',
      'rollout.rules',
      'rollout.slice',
      'rollout.percentage',
      'rollout.salt',
      'rollout.buckets',
      'rollout.drawing',
      'rollout.label_number',
      'own.sequence',
      'own.floor',
      'own.text as statement',
      'own.signature as statement_signature',
      'own.key_id',
      'own.stated_at',
      'release.version',
      'release.sequence as release_sequence',
      'stated.floor as release_floor',
      'release.requirement',
      'release.kind',
      'release.version_code',
      'release.build_id',
      'release.notes',
      'signature.value as signature',
      'signature.key_id as release_key_id',
      'stated.text as release_statement',
      'stated.signature as release_statement_signature',
      'stated.stated_at as release_stated_at',
      'stated.key_id as stated_key_id',
    ])
    .where('rollout.app_id', '=', appId)
    .where('rollout.channel', '=', channel)
    .where('rollout.platform', 'in', [platform, 'any'])
    .orderBy('rollout.position', 'desc')
}

type PlacementRow = Awaited<ReturnType<ReturnType<typeof selectPlacements>['execute']>>[number]

const NONE: readonly string[] = []
const NO_RULES: readonly AttributeRule[] = []
const NOTHING_REQUIRED: Requirement = {}

/** Every row brings a text of its own: what is the same in many rows is in memory once. */
const STATES: { readonly [State in RolloutState]: State } = {
  active: 'active',
  paused: 'paused',
  halted: 'halted',
  withdrawn: 'withdrawn',
}

/** Most lists are empty and most releases require nothing: they share that. */
function readList(text: string): readonly string[] {
  return text === '[]' ? NONE : (JSON.parse(text) as string[])
}

/** Rollouts that are for the same share that, unless they name devices. */
function readAudience(
  { id, devices, cohorts, percentage, salt, buckets, drawing, rules, slice }: PlacementRow,
  app: IdentifiedApp,
  identity: DeviceIdentity,
  known: Map<string, Audience>,
): Audience {
  const name = JSON.stringify([cohorts, percentage, salt === id ? null : salt, buckets, drawing, rules, slice])
  const shared = devices === '[]' ? known.get(name) : undefined
  if (shared) return shared
  const audience: Audience = {
    devices: readForcedDevices(devices, app, identity),
    cohorts: readList(cohorts),
    percentage,
    salt: salt === id ? undefined : salt,
    buckets: drawing ?? (buckets === 100 || buckets === 1_000 ? buckets : 10_000),
    rules: readRules(rules),
    slice: slice === null ? null : (JSON.parse(slice) as AudienceSlice),
  }
  if (devices === '[]') known.set(name, audience)
  return audience
}

function readForcedDevices(text: string, app: IdentifiedApp, identity: DeviceIdentity): readonly string[] {
  const devices = readList(text)
  // A server that cannot tell the devices of one app apart still compiles the catalogs of the others.
  if (devices === NONE || !identity.isAbleFor(app)) return NONE
  return devices.map((device) => identity.resolve(app, device))
}

function readRules(text: string): readonly AttributeRule[] {
  return text === '[]' ? NO_RULES : (JSON.parse(text) as AttributeRule[])
}

/** Releases that require the same share that, too. */
function readRequirement(text: string | null, known: Map<string, Requirement>): Requirement {
  if (text === null || text === '{}') return NOTHING_REQUIRED
  const requirement = known.get(text) ?? (JSON.parse(text) as Requirement)
  known.set(text, requirement)
  return requirement
}

/** D11 asks for it only where nothing is required: the others need no room for it. */
function statedAt(target: Pick<CatalogRelease, 'requirement'> | 'embedded', time: number | null): number | null {
  return target === 'embedded' || target.requirement !== NOTHING_REQUIRED ? null : time
}

/** The engine keeps a slice of a long text as a pointer into it, which takes less than half of a digest's own text. */
function withinStatement(files: readonly StoredFile[], statement: string | null): readonly StoredFile[] {
  if (statement === null) return files
  return files.map((file) => {
    const { sha256 } = file
    const start = sha256 === null ? -1 : statement.indexOf(sha256)
    return sha256 === null || start < 0 ? file : { ...file, sha256: statement.slice(start, start + sha256.length) }
  })
}

type FindKnown = (releaseId: string) => OfferedRelease | undefined

interface PlacedParts {
  /** Of the catalog. */
  platform: Platform
  keyIds: ReadonlyMap<string, string>
  files: FilesByRelease
  added: Awaited<ReturnType<typeof listPlacedSignatures>>
  maps: Awaited<ReturnType<typeof listPlacedMaps>>
  answers: Awaited<ReturnType<typeof listPlacedAnswers>>
  findKnown: FindKnown
}

/** A release that was placed more than once is in memory once. */
function targetOf(
  row: PlacementRow,
  releases: Map<string, OfferedRelease>,
  requirements: Map<string, Requirement>,
  { platform, keyIds, files, added, maps, answers, findKnown }: PlacedParts,
): OfferedRelease | 'embedded' {
  if (row.release_id === null) return 'embedded'
  const known = releases.get(row.release_id)
  if (known) return known
  const requirement = readRequirement(row.requirement, requirements)
  const content = offeredContent(
    row.kind ?? 'archive',
    withinStatement(files.get(row.release_id) ?? [], row.release_statement),
  )
  const signatures = added.get(row.release_id)?.map(({ scheme, subject, value }) => ({ scheme, subject, value }))
  const release: OfferedRelease = {
    id: row.release_id,
    version: row.version ?? '',
    sequence: row.release_sequence ?? 0,
    floor: row.release_floor ?? 0,
    // Of what is no archive, the statement is all that is signed.
    keyId: keyIds.get(row.release_key_id ?? row.stated_key_id ?? '') ?? null,
    isStated: row.release_statement !== null && row.release_statement_signature !== null,
    statedAt: statedAt({ requirement }, row.release_stated_at),
    requirement,
    // Not the row's: each has a text of its own.
    kind: content.kind,
    content,
    held: NOTHING_HELD,
    variants: NO_VARIANTS,
    notes: row.notes ?? '',
    signature: row.signature,
    statement: row.release_statement,
    statementSignature: row.release_statement_signature,
  }
  // Not in the literal: an object with a spread keeps room for what never comes.
  if (signatures) release.signatures = signatures
  const ofRelease = answers.get(row.release_id)
  if (ofRelease) release.answers = ofRelease
  if (row.version_code !== null) release.versionCode = row.version_code
  if (content.kind === 'archive' && content.sealed) release.encryptedFor = keysOf(content.sealed.keyIds)
  if (content.kind === 'files' && content.exportedBy) release.exportedBy = content.exportedBy
  if (row.build_id !== null) Object.assign(release, { exportedBy: 'hot-updater', buildId: row.build_id })
  if (content.kind === 'binary') release.binaries = binariesFor(platform, content, { signatures, maps })
  if (content.kind === 'kit') {
    const before = findKnown(release.id)
    const components = before ? before.components : componentsFor(platform, release.statement)
    if (components) release.components = components
  }
  releases.set(release.id, release)
  return release
}

function keysOf(keyIds: readonly string[]): Encryption[] {
  return keyIds.map((keyId) => ({ algorithm: ENCRYPTION_ALGORITHM, keyId }))
}

/** Those that devices of the catalog may take, with what else is signed of them, and their block maps. */
function binariesFor(
  platform: Platform,
  { files }: OfferedBinary,
  { signatures = [], maps }: { signatures: readonly OfferedSignature[] | undefined } & Pick<PlacedParts, 'maps'>,
): OfferedBinaryFile[] {
  for (const file of files) {
    const ofFile = signatures.filter(({ subject }) => subject === file.sha256)
    if (ofFile.length > 0) file.signatures = ofFile
    Object.assign(file, maps.get(file.sha256))
  }
  return files.filter((file) => platform === 'any' || file.platform === 'any' || file.platform === platform)
}
