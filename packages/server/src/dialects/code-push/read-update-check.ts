import { DEFAULT_CHANNEL } from '@hotpatch/api'
import { isSemver, UnexpectedJsonError } from '@hotpatch/protocol'
import type { PlainRequest } from '../../ground/http/plain-request.ts'
import type { AskedCheck } from '../../updates/dialect.ts'
import type { RunningCode } from '../../updates/update-service.ts'
import { asProblem, optionalText, readAttributes, text, toldText, type Fields } from '../reading/read-fields.ts'
import { fieldsInBothSpellings } from './spellings.ts'

/** Code Push §2. @throws problem invalid-request */
export function readUpdateCheck(request: Pick<PlainRequest, 'query' | 'header'>): AskedCheck {
  return asProblem(() => {
    const fields = fieldsInBothSpellings(request.query)
    const appVersion = readAppVersion(fields)
    const sdkVersion = request.header('x-codepush-plugin-version') ?? request.header('x-codepush-sdk-version')
    return {
      platform: undefined,
      channel: DEFAULT_CHANNEL,
      check: {
        deviceId: optionalText(fields, 'client_unique_id', 200) ?? null,
        // It shows the apps of others in its own shell, whatever version they are for.
        nativeVersion: isCompanion(fields) ? undefined : appVersion,
        runtimeVersion: undefined,
        current: readRunning(fields),
        failedReleaseIds: [],
        cohorts: [],
        attributes: readAttributes({ sdkVersion }),
      },
    }
  })
}

/** Code Push §2: as the client tells it, which need not be a whole version. */
export function readAppVersion(fields: Fields): string {
  const version = text(fields, 'app_version', 64)
  if (isSemver(version) || isSemver(repaired(version))) return version
  throw new UnexpectedJsonError('/app_version', 'a version of the binary such as 1.0.0', version)
}

/** "1" and "2.0-beta" are what some stores have. */
function repaired(version: string): string {
  if (/^\d+$/.test(version)) return `${version}.0.0`
  return version.replace(/^(\d+\.\d+)(?=$|[+-])/, '$1.0')
}

function isCompanion({ is_companion: told }: Fields): boolean {
  return told === true || (typeof told === 'string' && told.toLowerCase() === 'true')
}

/**
 * The content decides, wherever it came from: labels of another deployment read the same. Without a label a client tells
 * the hash of what its binary shipped with, if it tells one.
 */
function readRunning(fields: Fields): RunningCode {
  const packageHash = toldText(fields, 'package_hash', 64)
  const label = toldText(fields, 'label', 32)
  if (packageHash !== undefined) return { kind: 'named', name: { packageHash }, orEmbedded: label === undefined }
  return label === undefined ? { kind: 'embedded' } : { kind: 'named', name: { countedLabel: label } }
}
