import {
  isBuildId,
  NO_BUILD,
  readNumericCohort,
  UnexpectedJsonError,
  type DeviceAttributes,
  type Platform,
} from '@hotpatch/protocol'
import type { PlainRequest } from '../../ground/http/plain-request.ts'
import type { AskedCheck, ToldEvent } from '../../updates/dialect.ts'
import type { ReleaseName } from '../../updates/release-names.ts'
import { asProblem, list, optionalText, text, toldText } from '../reading/read-fields.ts'

type Asking = Pick<PlainRequest, 'params' | 'header'>

/** By what clients say which builds their binary can run. */
export type Strategy = 'app-version' | 'fingerprint'

const MAX_COHORT = 64
/** Clients remember ten. */
const MAX_CRASHED = 20

/** Hot-updater §8: clients that know of none do not look at it. */
const PATCHES = ['bsdiff43'] as const

/** Hot-updater §6: it never came up, and the client has gone back by itself. */
const FAILED_LAUNCH = 'launch-failed'

/**
 * Hot-updater §2.
 * @throws problem invalid-request
 */
export function readUpdateCheck(strategy: Strategy, request: Asking): AskedCheck {
  return asProblem(() => {
    const { params } = request
    const deviceId = toldHeader(request, 'x-device-id', 200) ?? null
    const bundleId = toldBundleId(request)
    const minBundleId = text(params, 'minBundleId', 64).toLowerCase()
    const isEmbedded = bundleId === NO_BUILD || bundleId === minBundleId
    const cohort = readCohort(request)
    const failed = readCrashed(request)
    return {
      platform: readMobilePlatform(params),
      channel: text(params, 'channel', 63),
      check: {
        deviceId,
        nativeVersion: strategy === 'app-version' ? text(params, 'appVersion', 64) : undefined,
        runtimeVersion: strategy === 'fingerprint' ? text(params, 'fingerprintHash', 128) : undefined,
        current: isEmbedded ? { kind: 'embedded' } : { kind: 'named', name: { buildId: bundleId } },
        failedReleaseIds: [],
        failed,
        patches: PATCHES,
        cohorts: cohort === undefined || readNumericCohort(cohort) !== undefined ? [] : [cohort],
        attributes: attributesOf(request, minBundleId, cohort),
      },
      events: failed.map((subject): ToldEvent => ({
        kind: 'crashed',
        subject,
        code: FAILED_LAUNCH,
        detail: undefined,
      })),
    }
  })
}

/** What the client has, which its next build has to be after. */
export function toldBundleId({ params }: Pick<Asking, 'params'>): string {
  return text(params, 'bundleId', 64).toLowerCase()
}

/** Clients before 0.31 tell none. */
export function readSdkVersion(request: Pick<Asking, 'header'>): string | undefined {
  return toldHeader(request, 'hot-updater-sdk-version', 64)
}

function readMobilePlatform({ platform }: Asking['params']): Platform {
  if (platform === 'android' || platform === 'ios') return platform
  throw new UnexpectedJsonError('/platform', '"android" or "ios" in the address', platform)
}

/** As the client has it: without space around it, in lower case, and a number without zeros before it. */
function readCohort({ params }: Asking): string | undefined {
  const told = optionalText(params, 'cohort', MAX_COHORT)?.trim().toLowerCase()
  if (told === undefined || told === '') return undefined
  const numeric = readNumericCohort(told)
  return numeric === undefined ? told : String(numeric)
}

/** An address says nothing of itself of a device: what the app adds with `requestHeaders`. */
function toldHeader(request: Pick<Asking, 'header'>, name: string, maxLength: number): string | undefined {
  return toldText({ [name]: request.header(name) }, name, maxLength)
}

function readCrashed(request: Asking): readonly ReleaseName[] {
  const told = list({ crashed: toldHeader(request, 'x-crashed-bundles', 2_000) }, 'crashed', MAX_CRASHED)
  return told.map((id) => ({ buildId: id.trim().toLowerCase() }))
}

function attributesOf(request: Asking, minBundleId: string, cohort: string | undefined): DeviceAttributes {
  const sdkVersion = readSdkVersion(request)
  return {
    // Empty: an earlier one of another binary counts no more.
    embeddedUpdateId: isBuildId(minBundleId) && minBundleId !== NO_BUILD ? minBundleId : '',
    ...(sdkVersion !== undefined && { sdkVersion }),
    ...(cohort !== undefined && { rolloutCohort: cohort }),
  }
}
