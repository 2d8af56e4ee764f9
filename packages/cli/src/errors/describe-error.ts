import { ApiProblem, ServerUnreachable, UnexpectedAnswer } from '@hotpatch/api'
import { CommanderError } from 'commander'
import { CommandError, hasCode, rootCauses, rootReason, UsageError } from './errors.ts'

/** What the user gets to see of an error. */
export interface DescribedError {
  exitCode: 0 | 1 | 2
  /** What scripts branch on. */
  type: string
  message: string
  /** What to do about it. */
  hint?: string
  /** Further facts for `--json`. */
  details?: Record<string, unknown>
}

/** `command` is what was called, whose help to look at: "hotpatch apps create". */
export function describeError(error: unknown, programName: string, command = programName): DescribedError {
  if (error instanceof CommanderError) return describeCommanderError(error, command)
  if (error instanceof UsageError) return { exitCode: 2, type: 'usage', message: error.message }
  if (error instanceof CommandError) {
    const { type, message, details } = error
    return { exitCode: 1, type, message, ...(details && { details }) }
  }
  if (error instanceof ApiProblem) return describeProblem(error, programName)
  if (error instanceof UnexpectedAnswer) {
    return {
      exitCode: 1,
      type: 'answer-unexpected',
      message: error.message,
      hint: 'Is this tool older than the server?',
    }
  }
  if (error instanceof ServerUnreachable) return describeUnreachable(error, programName)
  const message = error instanceof Error ? error.message : String(error)
  if (error instanceof Error && 'syscall' in error) return { exitCode: 1, type: 'system-error', message }
  const reason = error instanceof Error && error.cause !== undefined ? rootReason(error) : ''
  return {
    exitCode: 1,
    type: 'unexpected',
    message: `Unexpected: ${[message, reason].filter(Boolean).join(': ')}`,
    hint: 'This is a bug. Run it again with HOTPATCH_DEBUG=1 and report what it prints.',
  }
}

/** Help and the version arrive as errors with exit code 0; all others are about the command line. */
function describeCommanderError(error: CommanderError, command: string): DescribedError {
  if (error.exitCode === 0) return { exitCode: 0, type: error.code, message: '' }
  // Its help was printed already: a group of commands was named without one of them.
  if (error.code === 'commander.help') return { exitCode: 2, type: 'usage', message: 'Name a command.' }
  const message = error.message.replace(/^error: /, '')
  return { exitCode: 2, type: 'usage', message, hint: otherNameHint(error, command) ?? `See: ${command} --help` }
}

/** What other tools of this field call things. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  push: 'release',
  deploy: 'release',
  upload: 'release',
  update: 'release to publish, rollouts set to change who gets a release',
  'release-react': 'release',
  undo: 'rollback',
  revert: 'rollback',
  republish: 'rollback',
  patch: 'rollouts set',
  deployments: 'channels',
  deployment: 'channels',
  branch: 'channels',
  branches: 'channels',
  history: 'releases list',
  versions: 'releases list',
  bundles: 'releases list',
  status: 'adoption',
  metrics: 'stats',
  log: 'events',
  logs: 'events',
  app: 'apps',
  projects: 'apps',
  users: 'tokens',
  collaborators: 'tokens',
  setup: 'init',
}

function otherNameHint(error: CommanderError, command: string): string | undefined {
  if (error.code !== 'commander.unknownCommand') return undefined
  const name = /'([^']+)'/.exec(error.message)?.[1] ?? ''
  const known = Object.hasOwn(OTHER_NAMES, name) ? OTHER_NAMES[name] : undefined
  return known && `That is called: ${command} ${known}`
}

function describeProblem(error: ApiProblem, programName: string): DescribedError {
  const { status, document, retryAfterSeconds } = error
  // A single mistake is told in the message already.
  const mistakes = document?.errors?.filter(({ detail }) => !error.message.includes(detail)) ?? []
  const places = mistakes.map(({ pointer, detail }) => `  ${pointer}: ${detail}`)
  const hint = hintFor(error, programName)
  return {
    exitCode: 1,
    type: error.type,
    message: [error.message, ...places].join('\n'),
    ...(hint !== undefined && { hint }),
    details: { ...document, status, ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) },
  }
}

function hintFor({ status, document, retryAfterSeconds }: ApiProblem, program: string): string | undefined {
  if (document === undefined) return hintForOthers(status)
  if (status === 401) return `Run "${program} login", or set HOTPATCH_TOKEN to a valid API token.`
  if (status === 403) return `"${program} whoami" shows what your token may do. An owner can give you one that may.`
  if (retryAfterSeconds !== undefined) return `Try again in ${retryAfterSeconds} seconds.`
  return undefined
}

/** What answered was not the server. */
function hintForOthers(status: number): string {
  if ([502, 503, 504].includes(status)) {
    return 'A gateway in front of the server says so: it had no answer of the server in time. Try again.'
  }
  if (status === 413) {
    return 'A proxy in front of the server takes no body as large as this: raise its limit, such as client_max_body_size.'
  }
  return 'Is this a HotPatch server? Check --url, HOTPATCH_URL or hotpatch.json.'
}

function describeUnreachable(error: ServerUnreachable, programName: string): DescribedError {
  return {
    exitCode: 1,
    type: 'server-unreachable',
    message: error.cause === undefined ? `${error.message}.` : `${error.message}: ${rootReason(error)}`,
    hint: hintForUnreachable(rootCauses(error), programName),
  }
}

/** Certificates that this machine has no reason to believe. */
const UNKNOWN_AUTHORITY = [
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
]

function hintForUnreachable(causes: readonly unknown[], programName: string): string {
  const has = (...codes: string[]) => causes.some((cause) => hasCode(cause, ...codes))
  if (has(...UNKNOWN_AUTHORITY)) {
    return 'If its certificate comes from an authority of your own, name that: NODE_EXTRA_CA_CERTS=/path/to/ca.pem'
  }
  if (has('CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID'))
    return 'Renew the certificate of the server, or set this clock right.'
  if (has('ERR_TLS_CERT_ALTNAME_INVALID')) return 'Its certificate is for another name: is the address right?'
  if (has('ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_PACKET_LENGTH_TOO_LONG')) {
    return 'It does not speak TLS there: is the address one of http, not https?'
  }
  return `Is the server running, and is the address right? "${programName} doctor" checks both.`
}
