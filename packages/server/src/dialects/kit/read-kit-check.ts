import { isPlatform, UnexpectedJsonError, type Platform } from '@hotpatch/protocol'
import type { PlainRequest } from '../../ground/http/plain-request.ts'
import type { AskedCheck, AskedFeed } from '../../updates/dialect.ts'
import { asProblem, optionalCount, optionalText, text, toldText, type Fields } from '../reading/read-fields.ts'

/** Kits §6.1: what an installation tells of itself. */
const HEADERS = [
  'x-install-id',
  'x-installer-version',
  'x-kit-release',
  'x-kit-platform',
  'x-kit-architecture',
  'x-kit-sequence',
  'x-kit-floor',
  'x-kit-again',
] as const

type KitRequest = Pick<PlainRequest, 'params' | 'header'>

export function tellsInstallation(request: Pick<PlainRequest, 'header'>): boolean {
  return (request.header('x-install-id') ?? '') !== ''
}

/** Kits §6.1. @throws problem invalid-request */
export function readKitCheck(request: KitRequest): AskedCheck {
  return asProblem(() => {
    const told = fieldsOf(request)
    const installed = optionalText(told, 'x-kit-release', 100)
    const highWater = optionalCount(told, 'x-kit-sequence')
    return {
      platform: readMachine(told),
      channel: request.params.channel ?? '',
      check: {
        deviceId: text(told, 'x-install-id', 200),
        nativeVersion: toldText(told, 'x-installer-version', 64),
        runtimeVersion: undefined,
        current: installed === undefined ? { kind: 'embedded' } : { kind: 'named', name: { version: installed } },
        failedReleaseIds: [],
        ...(told['x-kit-again'] === '1' && { triesAgain: true }),
        cohorts: [],
        attributes: { architecture: toldText(told, 'x-kit-architecture', 64) },
        ...(highWater !== undefined && {
          trust: { highWater, floor: optionalCount(told, 'x-kit-floor') ?? 0, keyIds: [], heldReleaseId: null },
        }),
      },
    }
  })
}

/** Kits §6.1: who tells no id is nobody in particular. */
export function readKitFeed({ params }: KitRequest): AskedFeed {
  return { platform: 'any', channel: params.channel ?? '' }
}

function fieldsOf(request: KitRequest): Fields {
  return Object.fromEntries(HEADERS.map((name) => [name, request.header(name)]))
}

/** Undefined of who does not tell it; no release is for nothing, and so no machine is "any". */
function readMachine(told: Fields): Platform | undefined {
  const platform = optionalText(told, 'x-kit-platform', 20)
  if (platform === undefined) return undefined
  if (isPlatform(platform)) return platform
  throw new UnexpectedJsonError('/x-kit-platform', 'linux, macos, windows or another platform', platform)
}
