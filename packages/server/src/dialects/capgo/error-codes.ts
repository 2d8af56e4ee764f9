import type { Problem, ProblemType } from '@hotpatch/protocol'
import type { DialectRoute } from '../../updates/dialect.ts'

/** How the plugin takes an answer without an update. */
export type UpdateKind = 'up_to_date' | 'blocked' | 'failed'

interface CodedRefusal {
  error: string
  kind: UpdateKind
  status: number
}

/** Such as `missing_device_id`: what the plugin's own server says of a field. */
const FIELD_CODES: Readonly<Record<string, string>> = {
  '#/device_id': 'missing_device_id',
  '#/app_id': 'missing_app_id',
  '#/platform': 'invalid_platform',
  '#/channel': 'missing_channel',
}

const CODES: Partial<Record<ProblemType, string>> = { 'malformed-json': 'invalid_json_body' }

/** Capgo §6. */
export function codeOf(known: Problem, routeKind: DialectRoute['kind']): CodedRefusal {
  const { type, status } = known
  if (type === 'platform-not-found') return ofPlatform(known, routeKind)
  if (type === 'channel-not-found') {
    // The plugin falls back to what its configuration says only when a 400 names this code.
    return routeKind === 'check' ? { error: 'no_channel', kind: 'failed', status: 200 } : refused('channel_not_found')
  }
  const own = known.extensions.capgo
  if (typeof own === 'string') return refused(own)
  const field = type === 'invalid-request' ? FIELD_CODES[pointerOf(known)] : undefined
  return { error: field ?? CODES[type] ?? snakeCase(type), kind: 'failed', status }
}

function ofPlatform({ extensions }: Problem, routeKind: DialectRoute['kind']): CodedRefusal {
  if (routeKind !== 'check') return refused('invalid_platform')
  return { error: `disabled_platform_${String(extensions.platform)}`, kind: 'blocked', status: 200 }
}

function refused(error: string): CodedRefusal {
  return { error, kind: 'failed', status: 400 }
}

function pointerOf({ extensions }: Problem): string {
  const [first] = Array.isArray(extensions.errors) ? (extensions.errors as { pointer?: unknown }[]) : []
  return typeof first?.pointer === 'string' ? first.pointer : ''
}

export function snakeCase(type: string): string {
  return type.replaceAll('-', '_')
}
