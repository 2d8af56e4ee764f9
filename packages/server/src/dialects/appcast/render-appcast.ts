import { parseNativeVersion, type CompiledRollout, type Platform } from '@hotpatch/protocol'
import { Type } from 'typebox'
import { offeredUrl } from '../../ground/http/public-url.ts'
import { createCheck } from '../../ground/http/validate.ts'
import type { OfferedRelease } from '../../updates/catalog-queries.ts'
import type { Feed } from '../../updates/dialect.ts'
import { pickBinary } from '../writing/pick-binary.ts'
import { writeElement, type Element } from './xml.ts'

type OfferedFile = NonNullable<OfferedRelease['binaries']>[number]

/** Appcast §4: the usual one of each platform first. */
export const FORMATS = ['dmg', 'zip', 'pkg', 'exe', 'msi', 'msix', 'appimage', 'deb', 'rpm', 'apk']

/** Appcast §3: whose rules it keeps to. */
export type AppcastReader = 'sparkle' | 'upgrader'

export interface Writing {
  title: string
  reader: AppcastReader
  publicUrl: string
  /** Appcast §5.1: seconds between the groups to which Sparkle itself offers a version, one after the other. */
  phasedSeconds?: number | undefined
}

const NAMESPACE = 'http://www.andymatuschak.org/xml-namespaces/sparkle'
/** Clients read all of it at every check. */
const MAX_ITEMS = 100

/** Appcast §2. */
export function renderAppcast(feed: Feed, writing: Writing): string {
  const items = feed.flatMap((rollout) => itemsOf(rollout, writing)).slice(0, MAX_ITEMS)
  const channel = { name: 'channel', children: [{ name: 'title', children: writing.title }, ...items] }
  const rss = { name: 'rss', attributes: { version: '2.0', 'xmlns:sparkle': NAMESPACE }, children: [channel] }
  return `<?xml version="1.0" encoding="utf-8"?>\n${writeElement(rss)}\n`
}

/** One for each processor that it has a file for. */
function itemsOf(rollout: CompiledRollout<OfferedRelease>, writing: Writing): Element[] {
  const { target } = rollout
  if (target === 'embedded' || !isComparable(target, writing.reader)) return []
  const { binaries = [] } = target
  const architectures = [...new Set(binaries.map(({ architecture }) => architecture))]
  // Of equal versions a client takes the first: the more special before what runs anywhere.
  const sorted = architectures.toSorted((a, b) => rank(a) - rank(b))
  return sorted.flatMap((architecture) => {
    const file = pickBinary(
      binaries.filter((each) => each.architecture === architecture),
      { formats: FORMATS },
    )
    const os = file && osOf(file.platform, architecture, writing.reader)
    return file && os !== undefined ? [itemOf(rollout, target, { file, os }, writing)] : []
  })
}

function rank(architecture: string): number {
  return architecture === 'any' ? 2 : architecture === 'arm64' ? 0 : 1
}

const WINDOWS: Readonly<Record<string, string>> = {
  any: 'windows',
  x86_64: 'windows-x64',
  x86: 'windows-x86',
  arm64: 'windows-arm64',
}
const PLATFORMS: readonly Platform[] = ['macos', 'windows', 'linux', 'android', 'ios']

/** Appcast §4: undefined of what readers have no word for. */
function osOf(platform: Platform, architecture: string, reader: AppcastReader): string | undefined {
  if (!PLATFORMS.includes(platform)) return undefined
  if (platform === 'windows' && reader === 'sparkle') return WINDOWS[architecture]
  return platform
}

interface ItemFile {
  file: OfferedFile
  os: string
}

/** Appcast §4.1: of older builds, for who puts the app itself together. Where the whole is signed, a delta has to be. */
function deltasFor({ file, os }: ItemFile, release: OfferedRelease, writing: Writing): Element[] {
  if (writing.reader !== 'sparkle' || file.format === 'pkg') return []
  const deltas = (release.binaries ?? []).filter(
    ({ format, platform, architecture, sha256 }) =>
      format === 'delta' &&
      platform === file.platform &&
      architecture === file.architecture &&
      (!sparkleSignature(release, file.sha256) || sparkleSignature(release, sha256)),
  )
  const children = deltas.map((delta) => enclosureOf(release, { file: delta, os }, versionsOf(release, true), writing))
  return children.length === 0 ? [] : [{ name: 'sparkle:deltas', children }]
}

/** Who compares builds cannot be told of a minimum that has none: then there is no item. */
function isComparable(release: OfferedRelease, reader: AppcastReader): boolean {
  const { minNativeVersion } = release.requirement
  return minNativeVersion === undefined || comparable(minNativeVersion, reader === 'sparkle', release) !== undefined
}

function itemOf(rollout: CompiledRollout, release: OfferedRelease, found: ItemFile, writing: Writing): Element {
  const { file } = found
  const isSparkle = writing.reader === 'sparkle'
  const { version, shown } = versionsOf(release, isSparkle)
  const { minOsVersion, minNativeVersion } = release.requirement
  const isArm = isSparkle && file.platform === 'macos' && file.architecture === 'arm64'
  return {
    name: 'item',
    children: [
      { name: 'title', children: release.version },
      { name: 'pubDate', children: pubDateOf(rollout) },
      { name: 'sparkle:version', children: version },
      ...optional('sparkle:shortVersionString', shown),
      ...optional('sparkle:minimumSystemVersion', minOsVersion),
      ...optional('sparkle:minimumUpdateVersion', minNativeVersion && comparable(minNativeVersion, isSparkle, release)),
      ...(isArm ? [{ name: 'sparkle:hardwareRequirements', children: 'arm64' }] : []),
      ...criticalOf(rollout, isSparkle, release),
      ...optional('sparkle:phasedRolloutInterval', phasedOf(rollout, writing)),
      ...optional('description', release.notes === '' ? undefined : isSparkle ? asHtml(release.notes) : release.notes),
      enclosureOf(release, found, { version, shown }, writing),
      ...deltasFor(found, release, writing),
    ],
  }
}

function optional(name: string, children: string | undefined): Element[] {
  return children === undefined || children === '' ? [] : [{ name, children }]
}

/** Appcast §3: Sparkle compares builds, upgrader versions. */
function versionsOf({ version, versionCode }: OfferedRelease, isSparkle: boolean) {
  if (!isSparkle) return { version, shown: undefined }
  const build = versionCode ?? parseNativeVersion(version)?.build
  return build === undefined
    ? { version, shown: undefined }
    : { version: String(build), shown: version.replace(/\+\d+$/, '') }
}

/** Of another version, as this item's is compared; undefined where the two cannot be compared. */
function comparable(other: string, isSparkle: boolean, release: OfferedRelease): string | undefined {
  if (!isSparkle || versionsOf(release, true).shown === undefined) return other
  const build = parseNativeVersion(other)?.build
  return build === undefined ? undefined : String(build)
}

/** Appcast §5. As a tag, too, which upgrader and older readers look for; that has no version. */
function criticalOf(
  { mandatory, mandatoryBelow }: CompiledRollout,
  isSparkle: boolean,
  release: OfferedRelease,
): Element[] {
  const name = 'sparkle:criticalUpdate'
  if (mandatory) return [{ name }, { name: 'sparkle:tags', children: [{ name }] }]
  if (!isSparkle || mandatoryBelow === null || mandatoryBelow === undefined) return []
  const version = comparable(mandatoryBelow, isSparkle, release)
  return version === undefined ? [] : [{ name, attributes: { 'sparkle:version': version } }]
}

/** Appcast §5.1: what everyone has to have now waits for nobody's turn. */
function phasedOf({ mandatory }: CompiledRollout, { reader, phasedSeconds }: Writing): string | undefined {
  return mandatory || reader !== 'sparkle' ? undefined : phasedSeconds?.toString()
}

/** Appcast §2: one item that is not as it must be fails the whole feed, and may keep a reader from ever being updated. */
const Enclosure = createCheck(
  Type.Object({
    url: Type.String({ pattern: '^https?://' }),
    sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
    sizeBytes: Type.Integer({ minimum: 1 }),
    version: Type.String({ pattern: '^v?\\d' }),
  }),
)

function enclosureOf(
  release: OfferedRelease,
  { file, os }: ItemFile,
  { version, shown }: { version: string; shown: string | undefined },
  { publicUrl }: Writing,
): Element {
  const { sha256, sizeBytes } = file
  const url = file.url ?? offeredUrl(publicUrl, sha256, release.id)
  if (!Enclosure.Check({ url, sha256, sizeBytes, version })) {
    throw new Error(
      `An answer was stopped that is not as Appcast §2 has it: ${JSON.stringify({ url, sizeBytes, version })}`,
    )
  }
  return {
    name: 'enclosure',
    attributes: {
      url,
      length: String(sizeBytes),
      type: 'application/octet-stream',
      'sparkle:os': os,
      // Older readers look here.
      'sparkle:version': version,
      'sparkle:shortVersionString': shown,
      'sparkle:installationType': file.format === 'pkg' ? 'package' : undefined,
      'sparkle:deltaFrom': file.deltaFrom,
      'sparkle:edSignature': sparkleSignature(release, sha256),
    },
  }
}

function sparkleSignature({ signatures }: OfferedRelease, sha256: string): string | undefined {
  return signatures?.find(({ scheme, subject }) => scheme === 'sparkle-ed25519' && subject === sha256)?.value
}

/** As RFC 822 has it, which phased rollouts count from. */
function pubDateOf({ startsAt, startedAt = 0 }: CompiledRollout): string {
  return new Date(startsAt ?? startedAt).toUTCString().replace('GMT', '+0000')
}

/** Sparkle shows descriptions as pages: what was written shows as it was written. */
function asHtml(notes: string): string {
  const escaped = notes.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
  return escaped.replaceAll('\r\n', '\n').replaceAll('\n', '<br>\n')
}
