import {
  placementsOf,
  readNumericCohort,
  bucketCountOf,
  bucketOf,
  compileRules,
  drawnByOf,
  isOutside,
  meetsRules,
  type AttributeRule,
  type CompiledCatalog,
  type CompiledRollout,
  type Decision,
  type Device,
  type PassedOverReason,
} from '@hotpatch/protocol'
import { timestamp } from '../../ground/clock.ts'
import type { OfferedRelease } from '../../updates/catalog-queries.ts'
import { waysOut, type RefusalPlace } from './refusals.ts'

/** What would have to be otherwise for a device to get a release. */
export interface WhatWouldChange {
  release: OfferedRelease
  /** The rollout that is nearest to bringing it; null when none places it. */
  rolloutId: string | null
  /** A sentence each, to be done all; empty when the device gets the release, or runs it. */
  changes: string[]
}

/**
 * Of the rollouts that place the release, the one for which the least has to change.
 * @param decision of the same catalog and device, with its trace
 */
export function whatWouldChange(
  catalog: CompiledCatalog<OfferedRelease>,
  device: Device,
  decision: Decision<OfferedRelease>,
  release: OfferedRelease,
  place: RefusalPlace,
): WhatWouldChange {
  const isThere = device.currentReleaseId === release.id
  const isOffered = decision.kind === 'update' && decision.release.id === release.id
  const placements = placementsOf(catalog, release.id)
  const ways = placements.map((rollout) => ({
    rollout,
    changes: changesFor(rollout, catalog, device, decision, place),
  }))
  const [nearest] = ways.toSorted((a, b) => a.changes.length - b.changes.length)
  if (isThere || isOffered) return { release, rolloutId: nearest?.rollout.id ?? null, changes: [] }
  if (!nearest) {
    const changes = [`Place the release on the channel "${catalog.channel}": no rollout there has it.`]
    return { release, rolloutId: null, changes }
  }
  return { release, rolloutId: nearest.rollout.id, changes: nearest.changes }
}

function changesFor(
  rollout: CompiledRollout<OfferedRelease>,
  catalog: CompiledCatalog<OfferedRelease>,
  device: Device,
  decision: Decision<OfferedRelease>,
  place: RefusalPlace,
): string[] {
  const verdicts = decision.trace?.rollouts.find((each) => each.rolloutId === rollout.id)?.verdicts ?? []
  const against = verdicts.map((verdict) => verdict.reason).filter((reason) => reason !== null)
  const isStatedAgain = against.some((reason) => STATED_AGAIN.has(reason))
  if (isStatedAgain) {
    const others = against.filter((reason) => STATED_AGAIN.has(reason) || LASTING.has(reason))
    return others.flatMap((reason) => changeFor(reason, rollout, catalog, device, place))
  }
  // A rollout that is placed anew gets an audience of its own.
  const isGone = rollout.state === 'halted' || rollout.state === 'withdrawn'
  const reasons = isGone ? against.filter((reason) => !isOutside(reason)) : against
  return [
    ...reasons.flatMap((reason) => changeFor(reason, rollout, catalog, device, place)),
    ...inTheWay(rollout, decision),
  ]
}

/** What a new statement settles: it comes with a rollout of its own, on top of all others, for everybody. */
const STATED_AGAIN: ReadonlySet<PassedOverReason> = new Set<PassedOverReason>([
  'below-high-water',
  'below-device-floor',
  'older-than-binary',
])

/** What it does not settle. */
const LASTING: ReadonlySet<PassedOverReason> = new Set<PassedOverReason>([
  'requirement-unreadable',
  'runtime-mismatch',
  'native-version-unknown',
  'native-out-of-range',
  'native-too-old',
  'failed-on-this-device',
  'kind-not-taken',
  'form-not-taken',
  'encryption-not-taken',
  'decryption-key-not-held',
  'list-not-held',
  'built-before-binary',
  'not-newer',
])

/** D1: what is higher comes first. */
function inTheWay(rollout: CompiledRollout, decision: Decision<OfferedRelease>): string[] {
  const first = 'rollout' in decision ? decision.rollout : null
  if (!first || first.position <= rollout.position) return []
  const name = first.target === 'embedded' ? 'what the binary shipped with' : first.target.version
  return [`Take back the rollout of ${name} (position ${first.position}), which comes before this one.`]
}

function changeFor(
  reason: PassedOverReason,
  rollout: CompiledRollout<OfferedRelease>,
  catalog: CompiledCatalog<OfferedRelease>,
  device: Device,
  place: RefusalPlace,
): string | string[] {
  const { minNativeVersion, nativeRange, runtimeVersion, minOsVersion, architectures } =
    rollout.target === 'embedded' ? {} : rollout.target.requirement
  const told = (value: string | undefined) => (value === undefined ? 'it told none' : `it has ${value}`)
  switch (reason) {
    case 'not-started':
      return `Wait until ${timestamp(rollout.startsAt ?? 0)}, or start the rollout earlier.`
    case 'awaits-approval':
      return 'Have somebody else approve it: hotpatch proposals list.'
    case 'paused':
      return 'Resume the rollout.'
    case 'halted':
    case 'withdrawn':
      return `Place the release anew: that this rollout was ${reason} is final.`
    case 'below-floor':
      return `Sign a roll-back: a publisher signed that nothing below sequence ${catalog.floors[0]?.floor} is offered.`
    case 'requirement-unreadable':
      return 'Publish it again: what the release requires cannot be read.'
    case 'runtime-mismatch':
      return `Install an app with the runtime version ${runtimeVersion} on the device (${told(device.runtimeVersion)}).`
    case 'architecture-unknown':
      return 'Have the app tell the architecture of the processor: the release requires one.'
    case 'architecture-mismatch':
      return `Publish it for this processor, too: it is for ${architectures?.join(', ')} (${told(device.attributes?.architecture)}).`
    case 'os-version-unknown':
      return 'Have the app tell the version of the system: the release requires one.'
    case 'os-too-old':
      return `Update the system to ${minOsVersion} or newer (${told(device.attributes?.osVersion)}).`
    case 'native-version-unknown':
      return 'Have the app tell its native version: the release requires one.'
    case 'native-out-of-range':
      return `Install an app whose native version is within ${nativeRange} on the device (${told(device.nativeVersion)}).`
    case 'native-too-old':
      return `Update the app from its store to ${minNativeVersion} or newer (${told(device.nativeVersion)}).`
    case 'failed-on-this-device':
      return 'Publish a release that is mended: this one failed on the device, and is never offered to it again.'
    case 'kind-not-taken':
    case 'not-newer':
    case 'form-not-taken':
    case 'encryption-not-taken':
    case 'decryption-key-not-held':
    case 'list-not-held':
    case 'built-before-binary':
    case 'answer-not-signed':
    case 'embedded-not-taken':
    case 'below-high-water':
    case 'sequence-too-far':
    case 'older-than-binary':
    case 'below-device-floor':
    case 'key-not-trusted':
    case 'not-signed':
      return waysOut(reason, rollout, device, place)
    case 'attributes-differ':
      return unmetRules(rollout.audience.rules, device)
    case 'outside-audience':
      return outside(rollout, device)
    case 'anonymous':
      return 'Widen the rollout to everyone, or have the client tell a device id.'
    case 'other-arm':
      return 'End the A/B test: the device is in another arm. Naming the device in the rollout puts it in as well.'
  }
}

function unmetRules(rules: readonly AttributeRule[], device: Device): string {
  const unmet = rules.filter((rule) => !meetsRules(compileRules([rule]), device, new Map()))
  return `Change the rules of the rollout that the device does not meet: ${unmet.map(describeRule).join('; ')}.`
}

function describeRule(rule: AttributeRule): string {
  if ('range' in rule) return `${rule.attribute} ${rule.range}`
  if ('in' in rule) return `${rule.attribute} one of ${rule.in.join(', ')}`
  return `${rule.attribute} none of ${rule.notIn.join(', ')}`
}

/** The smallest percentage that has the device's bucket in it. */
function outside({ id, audience }: CompiledRollout, device: Device): string | string[] {
  const drawnBy = drawnByOf(device)
  // Of an anonymous device it would be another reason.
  if (drawnBy === null) return []
  if (drawnBy !== device.id && readNumericCohort(drawnBy) === undefined) {
    return `Widen the rollout to everyone, or name the cohort ${drawnBy} in it: it has no number that would be drawn.`
  }
  const { percentage, salt = id, buckets, cohorts } = audience
  const needed = (bucketOf(salt, drawnBy, buckets) + 1) / (bucketCountOf(buckets) / 100)
  const others = cohorts.length > 0 ? `, put it into ${cohorts.join(' or ')},` : ''
  return `Widen the rollout from ${percentage} % to ${needed} %${others} or name the device in it.`
}
