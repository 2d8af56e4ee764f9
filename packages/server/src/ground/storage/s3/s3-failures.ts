import { StorageError } from '../storage-error.ts'

const NETWORK =
  /^(?:ECONNREFUSED|ECONNRESET|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|EPIPE|ERR_TLS.*|CERT_.*|SELF_SIGNED.*|DEPTH_ZERO.*|UNABLE_TO_.*)$/
const PASSING = new Set([
  'TimeoutError',
  'RequestTimeout',
  'RequestTimeoutException',
  'AbortError',
  'SlowDown',
  'InternalError',
])
const NOT_FOUND = new Set(['NoSuchKey', 'NotFound'])
const TOO_MANY_REQUESTS = 429
const NOT_IMPLEMENTED = 501

/** What a failed request to a store comes to. `code` is what the store or the network calls it. */
export interface S3Failure {
  kind: 'not-found' | 'unreachable' | 'refused' | 'not-implemented'
  code: string
}

/** Undefined: not a failure of a request, but of something of ours. */
export function readFailure(error: unknown): S3Failure | undefined {
  if (!(error instanceof Error)) return undefined
  const { code, $metadata, cause } = error as Error & {
    code?: unknown
    $metadata?: { httpStatusCode?: number }
  }
  if (typeof code === 'string' && NETWORK.test(code)) return { kind: 'unreachable', code }
  if (PASSING.has(error.name)) return { kind: 'unreachable', code: error.name }
  const status = $metadata?.httpStatusCode
  if (error.name === 'CredentialsProviderError') return { kind: 'refused', code: error.name }
  if (status === undefined) return cause === undefined ? readFirst(error) : readFailure(cause)
  // A HEAD has no body that could say which.
  const name = error.name === 'Unknown' || error.name === 'UnknownError' ? `HTTP ${status}` : error.name
  if (NOT_FOUND.has(error.name)) return { kind: 'not-found', code: name }
  if (status === NOT_IMPLEMENTED) return { kind: 'not-implemented', code: name }
  if (status >= 500 || status === TOO_MANY_REQUESTS) return { kind: 'unreachable', code: name }
  return { kind: 'refused', code: name }
}

/** Of a host with several addresses, each was tried. */
function readFirst(error: Error): S3Failure | undefined {
  return error instanceof AggregateError ? readFailure(error.errors[0]) : undefined
}

/** For whoever asked the driver: without anything that the store said but the name of it. */
export function asStorageError(error: unknown): unknown {
  const failure = readFailure(error)
  if (!failure) return error
  if (failure.kind === 'unreachable')
    return new StorageError('unreachable', `The artifact storage cannot be reached (${failure.code}).`)
  return new StorageError('refused', `The artifact storage refuses (${failure.code}).`)
}
