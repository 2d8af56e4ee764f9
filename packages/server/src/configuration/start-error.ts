import { ConfigError } from './config.ts'
import { SecretFileError } from './env.ts'
import { NoSchemaError, SchemaNotCurrentError, SchemaTooNewError } from '../ground/database/migrate.ts'
import { DeviceSecretError } from '../fleet/devices/device-identity.ts'
import { StorageSetupError } from '../ground/storage/storage-error.ts'
import { SecretsKeyError } from '../ground/secrets/secret-box.ts'

/** Nobody is there, or nobody answers. */
const NETWORK_CODES = /^(ECONNREFUSED|ECONNRESET|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH)$/
/** The driver has no codes of its own. */
const NETWORK_MESSAGES = /^(timeout exceeded when trying to connect|Connection terminated)/
const SQLSTATE = /^[0-9][0-9A-Z]{4}$/

/** OpenSSL's and Node's names of what is wrong with a certificate, or with TLS at all. */
const TLS_CODES = /^(ERR_TLS_|ERR_SSL_|CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|INVALID_CA$|INVALID_PURPOSE$)/
const TLS_REMEDIES: [code: RegExp, remedy: string][] = [
  [/^ERR_TLS_CERT_ALTNAME_INVALID$/, 'Name its host in DATABASE_URL as its certificate has it.'],
  [
    /^(UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_)/,
    'Name the authority that made its certificate in DATABASE_URL: sslrootcert=/path/ca.pem beside sslmode=verify-full.',
  ],
]
/** The driver has no code for it. */
const NO_TLS_THERE = 'The server does not support SSL connections'
const NO_ENCRYPTION = /^no pg_hba\.conf entry .*, no encryption$/

/** What to do about what PostgreSQL says. */
const POSTGRES_REMEDIES: [code: RegExp, remedy: string][] = [
  [/^08001$/, 'Start or promote one of them, or correct DATABASE_URL.'],
  [
    /^08P01$/,
    'A PgBouncer between must ignore what it does not know: ignore_startup_parameters = statement_timeout,lock_timeout.',
  ],
  [/^28000$/, 'Let that user in by pg_hba.conf of the database, or correct DATABASE_URL.'],
  [/^28/, 'Correct the user and the password in DATABASE_URL.'],
  [/^3D000$/, 'Create that database, or correct its name in DATABASE_URL.'],
  [
    /^42501$/,
    'The role in DATABASE_URL must be able to make tables: let it own the database or a schema, or grant it that, ' +
      'such as with "grant usage, create on schema public to <role>".',
  ],
  [/^53300$/, 'It has too many connections: lower HOTPATCH_DATABASE_CONNECTIONS, or allow more there.'],
  [/^53/, 'It is out of room or memory.'],
  [/^57P0/, 'It starts or stops: start HotPatch again in a moment.'],
  [/^0A000$|^42601$|^42704$/, 'HotPatch needs PostgreSQL 15 or newer.'],
]
const MAX_CAUSES = 5
const OTHER_REMEDY = 'Look at DATABASE_URL, and at the log of the database.'

/** Their message says what to do. */
const STATED = [
  ConfigError,
  SecretFileError,
  NoSchemaError,
  SchemaNotCurrentError,
  SchemaTooNewError,
  DeviceSecretError,
  SecretsKeyError,
  StorageSetupError,
]

/** What whoever starts the server can do about it; a stack only for what nobody foresaw. */
export function describeStartError(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const chain = chainOf(error)
  const stated = chain.find((each) => STATED.some((type) => each instanceof type))
  if (stated) return stated.message
  const said = sayAll(chain)
  for (const each of chain) {
    const { code = '', path, syscall } = each as NodeJS.ErrnoException
    // As a worker listens, it is its primary that binds.
    if (syscall === 'listen' || syscall === 'bind')
      return `${said}. Set PORT and HOTPATCH_HOST to what is free and yours.`
    if (NETWORK_CODES.test(code) || NETWORK_MESSAGES.test(each.message)) {
      return `The database does not answer: ${said}. Look at DATABASE_URL, and whether the database runs.`
    }
    if (TLS_CODES.test(code)) return `The database is not who it should be: ${said}. ${remedyOf(code, TLS_REMEDIES)}`
    if (each.message === NO_TLS_THERE) {
      return 'The database takes no encrypted connections. Turn TLS on there, or leave sslmode out of DATABASE_URL where nobody can be between.'
    }
    if (NO_ENCRYPTION.test(each.message)) {
      return `The database refuses: ${said}. It wants encrypted connections: write sslmode=verify-full in DATABASE_URL.`
    }
    if (SQLSTATE.test(code)) {
      return `The database refuses: ${said} (SQLSTATE ${code}). ${remedyOf(code, POSTGRES_REMEDIES)}`
    }
    if (syscall === 'open' && (code === 'ENOENT' || code === 'EACCES')) {
      return (
        `${said}. A file that DATABASE_URL names (sslrootcert, sslcert, sslkey) must be there, and be readable by this user; ` +
        'else HOTPATCH_DATA must be a folder in which this user can write.'
      )
    }
    if (path !== undefined || code === 'ERR_SQLITE_ERROR') {
      return `${said}. HOTPATCH_DATA must be a folder in which this user can write.`
    }
  }
  const why = chain.slice(1).map((each) => `\nbecause of ${each.name}: ${each.message}`)
  return (error.stack ?? error.message) + why.join('')
}

function remedyOf(code: string, remedies: typeof POSTGRES_REMEDIES): string {
  return remedies.find(([known]) => known.test(code))?.[1] ?? OTHER_REMEDY
}

/** With what it was caused by; of a host with several addresses, each that was tried. */
function chainOf(error: Error): Error[] {
  const chain: Error[] = []
  for (let next: unknown = error; next instanceof Error && chain.length < MAX_CAUSES; next = causeOf(next))
    chain.push(next)
  return chain
}

function causeOf(error: Error): unknown {
  return error instanceof AggregateError ? error.errors[0] : error.cause
}

function sayAll(chain: readonly Error[]): string {
  const texts = chain.map((error) =>
    error instanceof AggregateError ? error.errors.map(String).join('; ') : error.message.replace(/\.$/, ''),
  )
  return [...new Set(texts)].filter(Boolean).join(': ')
}
