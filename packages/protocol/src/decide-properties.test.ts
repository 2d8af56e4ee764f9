import { getDefaultNumericCohort, getNumericCohortRolloutPosition } from '@hot-updater/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { AttributeRule } from './attribute-rules.ts'
import { compileCatalog, type Audience, type Catalog, type CatalogRelease, type CatalogRollout } from './catalog.ts'
import { decide, type Decision, type DecisionReason, type PassedOverReason } from './decide.ts'
import type { Device } from './device.ts'
import { isInPercentage } from './buckets.ts'

const NOW = 1000

/** Requirements that the reference can judge without our code: whole numbers, and ">=A <B". */
const requirement = fc.record(
  {
    minNativeVersion: fc.constantFrom('1', '2', '3'),
    nativeRange: fc.constantFrom('>=1 <3', '>=2 <4', '>=3 <9', 'no range'),
    runtimeVersion: fc.constantFrom('a', 'b'),
    minOsVersion: fc.constantFrom('2', '3', 'new'),
    architectures: fc.constantFrom<string[]>(['arm64'], ['arm64', 'x64']),
  },
  { requiredKeys: [] },
)

const someRequirement = fc.oneof({ weight: 2, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: requirement })

const kind = fc.constantFrom(
  undefined,
  undefined,
  'archive' as const,
  'binary' as const,
  'binary' as const,
  'files' as const,
  'kit' as const,
)
const versionCode = fc.constantFrom(undefined, null, 1, 2, 3)

const buildId = fc.constantFrom(undefined, undefined, null, 'build-1', 'build-2', 'build-3')

const keyId = fc.constantFrom(null, 'key-1', 'key-1', 'key-2')
const encryption = fc.record({ algorithm: fc.constantFrom('aes', 'age'), keyId: fc.constantFrom('MIIB-1', 'MIIB-2') })
const variants = fc.oneof(
  { weight: 3, arbitrary: fc.constant(undefined) },
  { weight: 1, arbitrary: fc.array(encryption, { maxLength: 2 }) },
)
const binaries = fc.array(
  fc.record(
    {
      format: fc.constantFrom('exe', 'msi'),
      architecture: fc.constantFrom('x64', 'arm64', 'any'),
      signatures: fc.constant([{ scheme: 'minisign' }]),
    },
    { requiredKeys: ['format', 'architecture'] },
  ),
  { minLength: 1, maxLength: 2 },
)
const architectures = fc.subarray(['any', 'arm64', 'x86_64'])
const components = fc.oneof(
  fc.constant(undefined),
  fc.uniqueArray(fc.record({ id: fc.constantFrom('gateway', 'web'), architectures }), {
    maxLength: 2,
    selector: ({ id }) => id,
  }),
)
const form = fc.oneof(
  fc.constant('plain' as const),
  fc.record({ algorithm: fc.constantFrom('aes', 'age'), keyId: fc.constantFrom('MIIB', 'MIIB-1', 'MIIB-2', 'other') }),
)
const statedAt = fc.constantFrom(undefined, null, 1, 2, 3, 4)

const releases = fc
  .tuple(
    ...[1, 2, 3, 4].map(() =>
      fc.tuple(
        someRequirement,
        fc.nat({ max: 12 }),
        keyId,
        fc.nat({ max: 4 }),
        statedAt,
        kind,
        variants,
        fc.tuple(binaries, versionCode, buildId, variants, components),
      ),
    ),
  )
  .map((pool) =>
    pool.map(
      (
        [requires, floor, signedBy, isBare, signedAt, ofKind, encrypted, [files, code, build, sealed, parts]],
        index,
      ): CatalogRelease => {
        const sequence = index + 1
        return {
          id: `release-${sequence}`,
          version: sequence === 3 ? '1.3' : `1.${sequence}.0`,
          sequence,
          requirement: requires,
          kind: ofKind,
          versionCode: code,
          buildId: build,
          ...(build && { exportedBy: 'hot-updater' }),
          ...(encrypted && { variants: encrypted }),
          ...(sealed && { encryptedFor: sealed }),
          ...(ofKind === 'binary' && { binaries: files }),
          ...(ofKind === 'kit' && { components: parts }),
          ...(ofKind === 'files' && { held: { files: floor % 2 === 0 ? [] : null } }),
          floor: floor <= sequence ? floor : 0,
          keyId: signedBy,
          isStated: signedBy !== null && isBare > 0,
          statedAt: signedAt,
        }
      },
    ),
  )

/** Rules that the reference can judge without our code: whole numbers, and lower-case words. */
const rule = fc.oneof(
  fc.record({
    attribute: fc.constantFrom('osVersion' as const, 'nativeVersion' as const),
    range: fc.constantFrom('>=1 <3', '>=2 <4', '>=3 <9', 'no range'),
  }),
  fc.record({ attribute: fc.constant('model' as const), in: fc.subarray(['pixel 8', 'pixel 9*'], { minLength: 1 }) }),
  fc.record({ attribute: fc.constant('model' as const), notIn: fc.subarray(['pixel 8', 'pixel*'], { minLength: 1 }) }),
  fc.record({ attribute: fc.constant('locale' as const), in: fc.subarray(['de', 'fr-CA'], { minLength: 1 }) }),
)

const slice = fc
  .tuple(fc.constantFrom('arms', 'other'), fc.nat({ max: 10_000 }), fc.nat({ max: 10_000 }))
  .map(([salt, one, other]) => ({ salt, from: Math.min(one, other), to: Math.max(one, other) }))

const audience = fc.record({
  rules: fc.oneof(
    { weight: 3, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.array(rule, { maxLength: 2 }) },
  ),
  slice: fc.oneof({ weight: 3, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: slice }),
  devices: fc.subarray(['device-1', 'device-2'], { maxLength: 1 }),
  cohorts: fc.subarray(['staff', 'testers']),
  percentage: fc.oneof(
    fc.constantFrom(0, 100),
    fc.nat({ max: 10_000 }).map((hundredths) => hundredths / 100),
  ),
  salt: fc.constantFrom('', 'salt'),
  buckets: fc.constantFrom(100 as const, 1_000 as const, 10_000 as const, 'code-push' as const),
})

const catalogs = releases.chain((pool) =>
  fc
    .array(
      fc.record({
        target: fc.oneof(
          { weight: 6, arbitrary: fc.constantFrom(...pool) },
          { weight: 1, arbitrary: fc.constant('embedded' as const) },
        ),
        state: fc.constantFrom(
          'active' as const,
          'active' as const,
          'active' as const,
          'paused' as const,
          'halted' as const,
          'withdrawn' as const,
        ),
        startsAt: fc.constantFrom(null, null, null, NOW - 1, NOW, NOW + 1),
        mandatory: fc.boolean(),
        mandatoryBelow: fc.constantFrom(null, null, '2', '3', 'unknown'),
        audience,
        restated: fc.oneof(
          { weight: 5, arbitrary: fc.constant(null) },
          {
            weight: 1,
            arbitrary: fc.record({
              sequence: fc.oneof(
                { weight: 5, arbitrary: fc.integer({ min: 1, max: 9 }) },
                { weight: 1, arbitrary: fc.constantFrom(1_000_002, 1_000_005) },
              ),
              floor: fc.constantFrom(0, 0, 1, 3),
              keyId,
              statedAt,
            }),
          },
        ),
      }),
      { maxLength: 7 },
    )
    .map((rollouts): Catalog => {
      const placed = rollouts.map((rollout, index) => ({ ...rollout, id: `rollout-${index}`, position: index * 2 }))
      return { appId: 'app', platform: 'android', channel: 'beta', generation: 1, rollouts: placed }
    }),
)

const releaseIds = ['release-1', 'release-2', 'release-3', 'release-4']
const devices = fc.record({
  id: fc.constantFrom('device-1', 'device-2', 'device-3', 'gerät-📱', null),
  nativeVersion: fc.constantFrom(undefined, '1', '1.0', '1.2', '2', '3', '4', 'unknown'),
  runtimeVersion: fc.constantFrom(undefined, 'a', 'b'),
  currentReleaseId: fc.constantFrom(null, ...releaseIds, 'of-another-channel'),
  failedReleaseIds: fc.oneof(fc.constant([]), fc.subarray(releaseIds, { maxLength: 2 })),
  cohorts: fc.oneof(fc.constant([]), fc.subarray(['staff', 'testers', 'others'])),
  takes: fc.oneof(
    fc.constant(undefined),
    fc.record({
      kinds: fc.subarray(['archive' as const, 'binary' as const, 'files' as const, 'kit' as const]),
      forms: fc.oneof(fc.constant(['plain' as const]), fc.array(form, { maxLength: 2 })),
      embedded: fc.boolean(),
      binaries: fc.oneof(
        fc.constant(undefined),
        fc.record({
          formats: fc.subarray(['exe', 'msi']),
          architectures: fc.constantFrom(undefined, ['x64', 'any'], ['arm64']),
          scheme: fc.constantFrom(undefined, 'minisign'),
          versions: fc.constantFrom(undefined, 'semver' as const),
        }),
      ),
      components: fc.constantFrom(undefined, {}, { architectures: ['arm64'] }, { architectures: ['x64', 'x86_64'] }),
      unsigned: fc.constantFrom(undefined, undefined, true, false),
      listed: fc.constantFrom(undefined, false, true),
      judges: fc.constantFrom(
        undefined,
        ['minOsVersion' as const],
        ['architectures' as const],
        ['minNativeVersion' as const],
        ['minNativeVersion' as const, 'nativeRange' as const],
      ),
      exports: fc.constantFrom(undefined, undefined, undefined, 'hot-updater' as const),
      buildsFrom: fc.constantFrom(undefined, 'build-2', 'build-3'),
    }),
  ),
  attributes: fc.oneof(
    fc.constant(undefined),
    fc.record(
      {
        architecture: fc.constantFrom('ARM64', 'x64', 'armv7'),
        osVersion: fc.constantFrom('1', '2', '3', 'Android 3'),
        model: fc.constantFrom('Pixel 8', 'pixel 9 pro', 'SM-S911B', ''),
        locale: fc.constantFrom('de', 'de-AT', 'de_CH', 'den', 'fr', 'FR_ca'),
        rolloutCohort: fc.constantFrom('1', '740', '1000', 'qa', ''),
      },
      { requiredKeys: [] },
    ),
  ),
  trust: fc.oneof(
    fc.constant(undefined),
    fc.record({
      highWater: fc.nat({ max: 7 }),
      floor: fc.constantFrom(0, 0, 0, 1, 2, 3, 4),
      keyIds: fc.subarray(['key-1', 'key-2']),
      heldReleaseId: fc.constantFrom(null, ...releaseIds),
      builtAt: fc.constantFrom(undefined, undefined, null, 2, 3, 4),
    }),
  ),
})

/** An answer without the objects in it, to compare. */
interface Summary {
  kind: string
  reason: string
  rolloutId?: string | null
  mandatory?: boolean
  direction?: string
  note: string | null
}

function summarise(decision: Decision): Summary {
  const { kind, reason } = decision
  const note =
    decision.nativeUpdate && `${decision.nativeUpdate.releaseId} needs ${decision.nativeUpdate.minNativeVersion}`
  if (kind !== 'update' && kind !== 'embedded') return { kind, reason, note }
  const { mandatory, direction, rollout } = decision
  return { kind, reason, rolloutId: rollout?.id ?? null, mandatory, direction, note }
}

/**
 * The rules once more, written from docs/protocol/01-decision.md as plainly as they are there, with nothing shared.
 * Where this and `decide` differ, one of them has read the document wrongly.
 */
function decideByTheBook(catalog: Catalog, device: Device): Summary {
  const fromTheTop = catalog.rollouts.toSorted((a, b) => b.position - a.position)
  const releaseOf = (rollout: CatalogRollout) => (rollout.target === 'embedded' ? undefined : rollout.target)
  const idOf = (rollout: CatalogRollout) => releaseOf(rollout)?.id ?? null
  const sequenceOf = (rollout: CatalogRollout) => rollout.restated?.sequence ?? releaseOf(rollout)?.sequence ?? 0
  const isStarted = (rollout: CatalogRollout) => rollout.startsAt === null || rollout.startsAt <= NOW
  const isGone = (rollout: CatalogRollout) => rollout.state === 'halted' || rollout.state === 'withdrawn'
  const isCurrent = (rollout: CatalogRollout) => idOf(rollout) === device.currentReleaseId

  // Decision §8
  const floors = fromTheTop
    .filter((rollout) => isStarted(rollout) && rollout.state !== 'withdrawn')
    .map((rollout) => (rollout.restated ? rollout.restated.floor : (releaseOf(rollout)?.floor ?? 0)))
  const floor = Math.max(0, ...floors)

  // Decision §2
  const forceReason = (rollout: CatalogRollout): PassedOverReason | null => {
    if (rollout.state === 'halted') return 'halted'
    if (rollout.state === 'withdrawn') return 'withdrawn'
    if (!isStarted(rollout)) return 'not-started'
    return rollout.state === 'paused' && !isCurrent(rollout) ? 'paused' : null
  }
  // Decision §3
  const shellReason = (rollout: CatalogRollout): PassedOverReason | null => {
    const { minNativeVersion, nativeRange, runtimeVersion, minOsVersion, architectures } =
      releaseOf(rollout)?.requirement ?? {}
    if (nativeRange === 'no range' || minOsVersion === 'new') return 'requirement-unreadable'
    if (runtimeVersion !== undefined && runtimeVersion !== device.runtimeVersion) return 'runtime-mismatch'
    const judged: readonly string[] = device.takes?.judges ?? []
    const isJudged = (name: string, told: unknown) => told === undefined && judged.includes(name)
    if (architectures && !isJudged('architectures', device.attributes?.architecture)) {
      const { architecture } = device.attributes ?? {}
      if (architecture === undefined) return 'architecture-unknown'
      if (!architectures.includes(architecture.toLowerCase())) return 'architecture-mismatch'
    }
    if (minOsVersion !== undefined && !isJudged('minOsVersion', device.attributes?.osVersion)) {
      const os = Number(device.attributes?.osVersion)
      if (Number.isNaN(os)) return 'os-version-unknown'
      if (os < Number(minOsVersion)) return 'os-too-old'
    }
    if (minNativeVersion === undefined && nativeRange === undefined) return null
    const native = Number(device.nativeVersion)
    if (Number.isNaN(native)) {
      const asked = { minNativeVersion, nativeRange }
      const others = Object.entries(asked).filter(([name, value]) => value !== undefined && !judged.includes(name))
      return others.length > 0 ? 'native-version-unknown' : null
    }
    const [, low, high] = /^>=(\d) <(\d)$/.exec(nativeRange ?? '>=0 <9') ?? []
    if (native < Number(low) || native >= Number(high)) return 'native-out-of-range'
    return minNativeVersion !== undefined && native < Number(minNativeVersion) ? 'native-too-old' : null
  }
  // Decision §4
  const hashOf = (text: string) =>
    new TextEncoder()
      .encode(text)
      .reduce((hash, byte) => ((hash ^ BigInt(byte)) * 16_777_619n) % 2n ** 32n, 2_166_136_261n)
  const codePushBucket = (text: string) => {
    const units = Array.from({ length: text.length }, (_, index) => BigInt(text.charCodeAt(index)))
    const hash = units.reduce((sum, unit) => BigInt.asIntN(32, sum * 32n) - sum + unit, 0n)
    return Number((hash < 0n ? -hash : hash) % 100n)
  }
  const drawnBy = device.attributes?.rolloutCohort ? device.attributes.rolloutCohort : device.id
  const isInShare = ({ percentage, salt, buckets }: Audience) => {
    const number = Number(drawnBy)
    const isCohort = number >= 1 && number <= 1_000
    if (drawnBy !== device.id && !isCohort) return percentage === 100
    const cohort = isCohort ? number : Number(getDefaultNumericCohort(drawnBy ?? ''))
    if (buckets === 'code-push') return codePushBucket(`${drawnBy}-${salt}`) < percentage
    const place =
      buckets === 1_000
        ? getNumericCohortRolloutPosition(salt ?? '', cohort)
        : Number(hashOf(`${salt}${drawnBy}`) % BigInt(buckets))
    // Steps of a tenth of a percent, to the nearest.
    if (buckets === 1_000) return place < Math.floor(percentage * 10 + 0.5)
    const share = place / buckets
    // Half of the smallest step, as hundredths of a percent have no exact binary form.
    return share + 0.000_000_5 < percentage / 100
  }
  // Decision §11
  const holds = (asked: AttributeRule) => {
    const told = { ...device.attributes, nativeVersion: device.nativeVersion }
    const { [asked.attribute as keyof typeof told]: value = '' } = told
    if (value === '') return false
    if ('range' in asked) {
      const [, low, high] = /^>=(\d) <(\d)$/.exec(asked.range) ?? []
      return Number(value) >= Number(low) && Number(value) < Number(high)
    }
    const isOne = ('in' in asked ? asked.in : asked.notIn).some((wanted) => {
      const pattern = wanted.endsWith('*') ? `${wanted.slice(0, -1)}.*` : wanted
      return new RegExp(
        `^${pattern.replace('-', '[-_]')}${asked.attribute === 'locale' ? '([-_].*)?' : ''}$`,
        'i',
      ).test(value)
    })
    return isOne === 'in' in asked
  }
  // Decision §12
  const isInArm = ({ slice: arm }: Audience) => {
    if (!arm) return true
    let hash = hashOf(`${arm.salt}${drawnBy}`)
    hash = ((hash ^ (hash / 2n ** 16n)) * 0x85ebca6bn) % 2n ** 32n
    hash = ((hash ^ (hash / 2n ** 13n)) * 0xc2b2ae35n) % 2n ** 32n
    const bucket = Number((hash ^ (hash / 2n ** 16n)) % 10_000n)
    return arm.from <= bucket && bucket < arm.to
  }
  const audienceOf = ({ audience: asked }: CatalogRollout): DecisionReason => {
    if (drawnBy === null) {
      const isForAll = asked.percentage === 100 && asked.rules.length === 0 && !asked.slice
      return isForAll ? 'percentage' : 'anonymous'
    }
    if (asked.devices.some((each) => each === device.id)) return 'forced-device'
    if (!asked.rules.every(holds)) return 'attributes-differ'
    const isMember = asked.cohorts.filter((cohort) => device.cohorts.includes(cohort)).length > 0
    if (!isMember && !isInShare(asked)) return 'outside-audience'
    if (!isInArm(asked)) return 'other-arm'
    return isMember ? 'cohort' : 'percentage'
  }
  const outsideOf = (rollout: CatalogRollout): PassedOverReason | null => {
    const reason = audienceOf(rollout)
    return reason === 'forced-device' || reason === 'cohort' || reason === 'percentage'
      ? null
      : (reason as PassedOverReason)
  }
  const failedReason = (rollout: CatalogRollout): PassedOverReason | null => {
    const id = idOf(rollout)
    return id !== null && device.failedReleaseIds.includes(id) ? 'failed-on-this-device' : null
  }
  const floorReason = (rollout: CatalogRollout): PassedOverReason | null =>
    sequenceOf(rollout) < floor ? 'below-floor' : null
  // Versions §5; the versions here are 1.1.0 to 1.4.0, and those of devices are numbers.
  const binaryOf = (rollout: CatalogRollout | undefined) => {
    const release = rollout && releaseOf(rollout)
    return release?.kind === 'binary'
      ? { version: Number(release.version.slice(0, 3)), code: release.versionCode ?? undefined }
      : undefined
  }
  const isNotNewer = (offered: ReturnType<typeof binaryOf>) => {
    const running = device.currentReleaseId === null ? undefined : binaryOf(fromTheTop.find(isCurrent))
    const told = Number(device.nativeVersion ?? 'none')
    const own = Number.isNaN(told) ? running?.version : told
    if (!offered || own === undefined) return false
    const [code, ownCode] = [offered.code, running?.code]
    return code !== undefined && ownCode !== undefined ? code <= ownCode : offered.version <= own
  }
  // Decision §13
  const refused = (rollout: CatalogRollout): PassedOverReason | null => {
    if (isCurrent(rollout)) return null
    return distrusted(rollout) ?? (isNotNewer(binaryOf(rollout)) ? 'not-newer' : null)
  }
  const distrusted = (rollout: CatalogRollout): PassedOverReason | null => {
    const { trust, takes } = device
    if (takes) {
      const release = releaseOf(rollout)
      if (!release && !takes.embedded) return 'embedded-not-taken'
      if (release && !takes.kinds.some((each) => each === (release.kind ?? 'archive'))) return 'kind-not-taken'
      const isThere = takes.forms.some((each) => {
        if (each === 'plain') return release?.encryptedFor === undefined
        const all = [...(release?.variants ?? []), ...(release?.encryptedFor ?? [])]
        const own = all.filter(({ algorithm }) => algorithm === each.algorithm)
        return own.some((variant) => variant.keyId.slice(0, each.keyId.length) === each.keyId)
      })
      const sealed = release?.encryptedFor
      if (release && !isThere && sealed) {
        const algorithms = takes.forms.map((each) => (each === 'plain' ? '' : each.algorithm))
        const isSpoken = sealed.some(({ algorithm }) => algorithms.includes(algorithm))
        return isSpoken ? 'decryption-key-not-held' : 'encryption-not-taken'
      }
      if (release && !isThere) return 'form-not-taken'
      if (release && takes.exports !== undefined && release.exportedBy !== takes.exports) return 'form-not-taken'
      if (release?.buildId && takes.buildsFrom && release.buildId < takes.buildsFrom) return 'built-before-binary'
      if (takes.listed === true && release?.held?.files === null) return 'list-not-held'
      const wanted = takes.binaries
      if (wanted && release?.binaries) {
        const fits = release.binaries.filter((file) => {
          if (!wanted.formats.some((format) => format === file.format)) return false
          if (wanted.scheme !== undefined && file.signatures === undefined) return false
          return wanted.architectures === undefined || wanted.architectures.join().includes(file.architecture)
        })
        const isReadable = wanted.versions === undefined || /^v?\d+\.\d+\.\d+$/.test(release.version)
        if (fits.length === 0 || !isReadable) return 'form-not-taken'
      }
      const machine = takes.components
      const lacks = (release?.components ?? []).filter(({ architectures: has }) => {
        const own = new Set<string>([...(machine?.architectures ?? has), 'any'])
        return has.filter((each) => own.has(each)).length === 0
      })
      if (machine && lacks.length > 0) return 'form-not-taken'
    }
    if (takes === undefined && releaseOf(rollout)?.encryptedFor) return 'encryption-not-taken'
    const takesUnsigned = takes?.unsigned !== false && (trust?.keyIds ?? []).length === 0
    const isSigned = releaseOf(rollout) ? true : rollout.restated !== null
    if (takesUnsigned || !isSigned || (!trust && !releaseOf(rollout))) {
      return !releaseOf(rollout) && (trust?.floor ?? 0) > 0 ? 'below-device-floor' : null
    }
    const stated = releaseOf(rollout)?.isStated ? releaseOf(rollout)?.keyId : null
    const signers = [rollout.restated ? rollout.restated.keyId : stated]
    if (releaseOf(rollout)) signers.push(releaseOf(rollout)?.keyId)
    if (signers.some((signer) => signer === null || signer === undefined)) return 'not-signed'
    if (!trust) return null
    const isForeign = signers.some((signer) => !trust.keyIds.some((held) => held === signer))
    if (trust.keyIds.length > 0 && isForeign) return 'key-not-trusted'
    const sequence = sequenceOf(rollout)
    if (sequence < trust.floor) return 'below-device-floor'
    const mayGoBack = trust.heldReleaseId !== null && trust.heldReleaseId === idOf(rollout)
    if (sequence < trust.highWater) return mayGoBack ? null : 'below-high-water'
    if (sequence > trust.highWater + 1_000_000) return 'sequence-too-far'
    const release = releaseOf(rollout)
    const isForAnyBinary = release !== undefined && Object.keys(release.requirement).length === 0
    const signedAt = rollout.restated ? rollout.restated.statedAt : release?.statedAt
    return isForAnyBinary && (signedAt ?? Infinity) < (trust.builtAt ?? 0) ? 'older-than-binary' : null
  }
  const reasonsOf = (rollout: CatalogRollout): PassedOverReason[] =>
    [
      forceReason(rollout),
      floorReason(rollout),
      failedReason(rollout),
      refused(rollout),
      outsideOf(rollout),
      shellReason(rollout),
    ].filter((reason) => reason !== null)
  const isAll = (rollout: CatalogRollout, reason: PassedOverReason) =>
    reasonsOf(rollout).length === 1 && reasonsOf(rollout)[0] === reason

  // Decision §5, and §13 where there is no word for embedded
  const end = fromTheTop.find((rollout) => reasonsOf(rollout).length === 0 || isAll(rollout, 'embedded-not-taken'))
  const target = end && reasonsOf(end).length === 0 ? end : undefined
  const isAbove = (rollout: CatalogRollout) => !end || rollout.position > end.position
  const kept =
    device.currentReleaseId === null
      ? undefined
      : fromTheTop.find(
          (rollout) =>
            isCurrent(rollout) && isAbove(rollout) && outsideOf(rollout) !== null && reasonsOf(rollout).length === 1,
        )
  // Decision §7
  const waiting = fromTheTop.find((rollout) => isAbove(rollout) && isAll(rollout, 'native-too-old'))
  const isHelpful = waiting && kept && waiting.position > kept.position
  const noteOf = (rollout: CatalogRollout) =>
    `${idOf(rollout)} needs ${releaseOf(rollout)?.requirement.minNativeVersion}`
  const note = waiting ? noteOf(waiting) : null

  if (target && isCurrent(target)) return { kind: 'up-to-date', reason: 'runs-the-target', note }
  if (kept) return { kind: 'up-to-date', reason: 'ahead-of-rollout', note: isHelpful ? note : null }
  if (target) {
    // Decision §6
    const place = fromTheTop.find((rollout) => isCurrent(rollout) && isStarted(rollout))?.position ?? -1
    const isBetween = (rollout: CatalogRollout) => rollout.position > place && rollout.position < target.position
    const forced = (rollout: CatalogRollout) =>
      rollout.mandatory || Number(device.nativeVersion) < Number(rollout.mandatoryBelow ?? Number.NaN)
    const mandatory =
      forced(target) ||
      fromTheTop.some((rollout) => isBetween(rollout) && forced(rollout) && reasonsOf(rollout).length === 0)
    const reason = audienceOf(target)
    const common = { reason, rolloutId: target.id, mandatory, note }
    if (target.target === 'embedded') return { kind: 'embedded', direction: 'back', ...common }
    const current = fromTheTop.find((rollout) => isCurrent(rollout))
    const isBack = current && target.target.sequence < (releaseOf(current)?.sequence ?? 0)
    return { kind: 'update', direction: isBack ? 'back' : 'forward', ...common }
  }
  const mine = device.currentReleaseId === null ? [] : fromTheTop.filter((rollout) => isCurrent(rollout))
  const isTakenBack = !binaryOf(mine[0]) && mine.some(isGone) && mine.filter(isStarted).every(isGone)
  const hasNoWord = device.takes?.embedded === false
  const isKept = hasNoWord || (device.trust?.floor ?? 0) > 0
  if (isTakenBack && floor === 0 && !isKept) {
    const reason = 'release-taken-back'
    return { kind: 'embedded', reason, rolloutId: null, mandatory: false, direction: 'back', note }
  }
  if (waiting) return { kind: 'native-update-required', reason: 'native-too-old', note }
  if (isTakenBack) {
    const own = hasNoWord ? 'embedded-not-taken' : 'below-device-floor'
    return { kind: 'up-to-date', reason: floor > 0 ? 'below-floor' : own, note }
  }
  // Decision §13
  const onlyRefused = fromTheTop.find((rollout) => {
    const refusal = refused(rollout)
    return refusal !== null && isAll(rollout, refusal)
  })
  if (onlyRefused) return { kind: 'up-to-date', reason: refused(onlyRefused) ?? '', note }
  const topmost = fromTheTop.map((rollout) => reasonsOf(rollout)[0])[0]
  return { kind: 'up-to-date', reason: topmost ?? 'nothing-published', note }
}

describe('decide', () => {
  test('is what the document says', () => {
    fc.assert(
      fc.property(catalogs, devices, (catalog, device) => {
        expect(summarise(decide(compileCatalog(catalog), device, NOW))).toEqual(decideByTheBook(catalog, device))
      }),
      { numRuns: 6000 },
    )
  })

  test('does not depend on the order of the input, nor on what was decided before', () => {
    const shuffled = catalogs.chain((catalog) =>
      fc.tuple(
        fc.constant(catalog),
        fc.shuffledSubarray([...catalog.rollouts], { minLength: catalog.rollouts.length }),
      ),
    )
    fc.assert(
      fc.property(shuffled, devices, ([catalog, rollouts], device) => {
        const compiled = compileCatalog(catalog)
        const first = decide(compiled, device, NOW, { trace: true })
        expect(decide(compiled, device, NOW, { trace: true })).toEqual(first)
        expect(decide(compileCatalog({ ...catalog, rollouts }), device, NOW, { trace: true })).toEqual(first)
      }),
      { numRuns: 500 },
    )
  })

  test('the trace explains the answer, and changes nothing', () => {
    fc.assert(
      fc.property(catalogs, devices, (catalog, device) => {
        const compiled = compileCatalog(catalog)
        const { trace, ...traced } = decide(compiled, device, NOW, { trace: true })
        const { trace: none, ...untraced } = decide(compiled, device, NOW)
        expect(none).toBeNull()
        expect(traced).toEqual(untraced)

        const rollouts = trace?.rollouts ?? []
        expect(rollouts.map(({ rolloutId }) => rolloutId)).toEqual(compiled.rollouts.map(({ id }) => id))
        const target = rollouts.findIndex(({ outcome }) => outcome === 'target')
        const isFailing = ({ verdicts }: (typeof rollouts)[number]) => verdicts.some(({ reason }) => reason !== null)
        // Decision §13: a way back that only has no word.
        const wordless = rollouts.findIndex(({ verdicts }) =>
          verdicts.every(({ rule, reason }) => reason === (rule === 'D11' ? 'embedded-not-taken' : null)),
        )
        const end = target === -1 ? wordless : target
        if (target !== -1 && wordless !== -1) expect(target).toBeLessThan(wordless)
        for (const rollout of end === -1 ? rollouts : rollouts.slice(0, end)) {
          expect(rollout.outcome).toBe('passed-over')
          expect(isFailing(rollout)).toBe(true)
        }
        if (target !== -1) expect(rollouts.slice(target).map(isFailing)[0]).toBe(false)
        for (const rollout of end === -1 ? [] : rollouts.slice(end + 1)) {
          expect(rollout.outcome).toBe(isFailing(rollout) ? 'passed-over' : 'not-reached')
        }
        // The answer names the target of the trace, or keeps the device where it is.
        const offered = traced.kind === 'update' || traced.kind === 'embedded' ? traced.rollout : undefined
        if (offered) expect(rollouts[end]?.rolloutId).toBe(offered.id)
        const plain = rollouts.flatMap(({ verdicts }) => verdicts.flatMap(({ reason }) => reason ?? []))
        const own = [
          'ahead-of-rollout',
          'runs-the-target',
          'nothing-published',
          'release-taken-back',
          'below-floor',
          'below-device-floor',
          'embedded-not-taken',
        ]
        if (!offered && !own.includes(traced.reason)) expect(plain).toContain(traced.reason)
      }),
      { numRuns: 1500 },
    )
  })

  test('growing a percentage loses nobody', () => {
    const percentages = fc.tuple(fc.nat({ max: 10_000 }), fc.nat({ max: 10_000 }))
    fc.assert(
      fc.property(catalogs, devices, percentages, fc.nat(), fc.string(), (catalog, device, two, which, salt) => {
        const rollouts = catalog.rollouts.map((rollout, index) => (grown: number) => {
          if (index !== which % catalog.rollouts.length) return rollout
          return { ...rollout, audience: { ...rollout.audience, percentage: grown / 100, salt } }
        })
        const at = (grown: number) =>
          decide(compileCatalog({ ...catalog, rollouts: rollouts.map((make) => make(grown)) }), device, NOW)
        const grownId = `rollout-${which % catalog.rollouts.length}`
        const before = at(Math.min(...two))
        if (before.kind !== 'update' || before.rollout.id !== grownId) return
        expect(summarise(at(Math.max(...two)))).toEqual(summarise(before))
      }),
      { numRuns: 1500 },
    )
  })

  /** An A/B test with these ends of slices: arms side by side, for the same share of the fleet. */
  const armsOf = (percentage: number, inner: readonly number[], salt: string): CatalogRollout[] => {
    const ends = [...new Set([0, ...inner, 10_000])].toSorted((a, b) => a - b)
    return ends.slice(1).map((to, index) => ({
      id: `arm-${index}`,
      position: index + 1,
      target: {
        id: `release-${index}`,
        version: `1.${index}.0`,
        sequence: index + 1,
        requirement: {},
        floor: 0,
        keyId: null,
        isStated: false,
      },
      state: 'active',
      startsAt: null,
      mandatory: false,
      audience: {
        devices: [],
        cohorts: [],
        percentage,
        salt,
        buckets: 10_000,
        rules: [],
        slice: { salt: `${salt}-arms`, from: ends[index] ?? 0, to },
      },
      restated: null,
    }))
  }
  const channelWith = (rollouts: CatalogRollout[]) =>
    compileCatalog({ appId: 'app', platform: 'ios', channel: 'production', generation: 1, rollouts })
  const anyDevice = fc
    .uuid()
    .map((id): Device & { id: string } => ({ id, currentReleaseId: null, failedReleaseIds: [], cohorts: [] }))
  const innerEnds = fc.array(fc.integer({ min: 1, max: 9_999 }), { maxLength: 4 })
  const hundredths = fc.nat({ max: 10_000 })

  test('the arms of a test have no device in common, and together all that take part', () => {
    fc.assert(
      fc.property(hundredths, innerEnds, fc.string(), anyDevice, (share, inner, salt, device) => {
        const arms = armsOf(share / 100, inner, salt)
        const mine = arms.filter((arm) => decide(channelWith([arm]), device, NOW).kind === 'update')
        expect(mine.length).toBe(isInPercentage(share / 100, salt, device.id, 10_000) ? 1 : 0)
        // All on one channel say the same: it does not matter which arm is on top.
        const answer = decide(channelWith(arms), device, NOW)
        expect(answer.kind === 'update' && answer.rollout.id).toBe(mine[0]?.id ?? false)
      }),
      { numRuns: 1500 },
    )
  })

  test('growing the percentage of a test loses nobody, and moves nobody to another arm', () => {
    fc.assert(
      fc.property(hundredths, hundredths, innerEnds, anyDevice, (one, other, inner, device) => {
        const before = decide(channelWith(armsOf(Math.min(one, other) / 100, inner, 'test')), device, NOW)
        if (before.kind !== 'update') return
        const after = decide(channelWith(armsOf(Math.max(one, other) / 100, inner, 'test')), device, NOW)
        expect(summarise(after)).toEqual(summarise(before))
      }),
      { numRuns: 1500 },
    )
  })

  test('who runs an arm keeps it, whichever way the arms are divided afterwards', () => {
    fc.assert(
      fc.property(innerEnds, innerEnds, anyDevice, (inner, others, device) => {
        const arms = armsOf(100, inner, 'test')
        const answer = decide(channelWith(arms), device, NOW)
        if (answer.kind !== 'update') throw new Error('Expected an arm for everybody.')
        const moved = armsOf(100, others, 'test')
        const divided = arms.map((arm, index) => {
          const slice = moved[index]?.audience.slice ?? { salt: 'test-arms', from: 0, to: 0 }
          return { ...arm, audience: { ...arm.audience, slice } }
        })
        const running: Device = { ...device, currentReleaseId: answer.release.id }
        const after = decide(channelWith(divided), running, NOW)
        // Unless a release above it is theirs now.
        if (after.kind === 'update') expect(after.rollout.position).toBeGreaterThan(answer.rollout.position)
        else expect(after.kind).toBe('up-to-date')
      }),
      { numRuns: 1000 },
    )
  })

  test('has an answer for everything, however odd', () => {
    const text = fc.oneof(
      fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)), maxLength: 12 }),
      fc.constantFrom('', '__proto__', 'constructor', 'null', '9'.repeat(400), '1.'.repeat(200), 'release-1'),
    )
    const texts = fc.array(text, { maxLength: 3 })
    const oddRollout = fc.record({
      id: text,
      position: fc.double(),
      target: fc.oneof(
        fc.constant('embedded' as const),
        fc.record({
          id: text,
          version: text,
          sequence: fc.double(),
          floor: fc.double(),
          keyId: fc.option(text),
          isStated: fc.boolean(),
          requirement: fc.record(
            { minNativeVersion: text, nativeRange: text, runtimeVersion: text },
            { requiredKeys: [] },
          ),
        }),
      ),
      state: fc.constantFrom('active' as const, 'paused' as const, 'halted' as const, 'withdrawn' as const),
      startsAt: fc.option(fc.double()),
      mandatory: fc.boolean(),
      audience: fc.record({
        devices: texts,
        cohorts: texts,
        percentage: fc.double(),
        salt: text,
        buckets: fc.constantFrom(100 as const, 10_000 as const),
        // From a database that something else wrote to.
        rules: fc.array(fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<AttributeRule>, { maxLength: 2 }),
        slice: fc.option(fc.record({ salt: text, from: fc.double(), to: fc.double() })),
      }),
      restated: fc.option(
        fc.record({
          sequence: fc.double(),
          floor: fc.double(),
          keyId: fc.option(text),
          statedAt: fc.option(fc.double()),
        }),
      ),
    })
    const oddDevice = fc.record({
      id: text,
      nativeVersion: fc.option(text, { nil: undefined }),
      runtimeVersion: fc.option(text, { nil: undefined }),
      currentReleaseId: fc.option(text),
      failedReleaseIds: texts,
      cohorts: texts,
      trust: fc.option(
        fc.record({
          highWater: fc.double(),
          floor: fc.double(),
          keyIds: texts,
          heldReleaseId: fc.option(text),
          builtAt: fc.option(fc.double()),
        }),
        { nil: undefined },
      ),
      attributes: fc.option(fc.record({ osVersion: text, model: text, locale: text, nativeBuild: text }), {
        nil: undefined,
      }),
    })
    fc.assert(
      fc.property(fc.array(oddRollout, { maxLength: 5 }), oddDevice, fc.double(), (rollouts, device, now) => {
        const catalog = compileCatalog({ appId: '', platform: 'any', channel: '', generation: 0, rollouts })
        const decision = decide(catalog, device, now, { trace: true })
        expect(['up-to-date', 'native-update-required', 'update', 'embedded']).toContain(decision.kind)
        if (decision.kind !== 'update') return
        // What is no number never lets anything through.
        expect(decision.release.id).not.toBe(device.currentReleaseId)
        expect(device.failedReleaseIds).not.toContain(decision.release.id)
        expect(decision.rollout.state).toBe('active')
        expect(decision.rollout.sequence).not.toBeNaN()
        expect(decision.rollout.startsAt).not.toBeNaN()
      }),
      { numRuns: 1500 },
    )
  })
})
