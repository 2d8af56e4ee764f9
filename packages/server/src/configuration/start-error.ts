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

/** What to do about what PostgreSQL says. */
const POSTGRES_REMEDIES: [code: RegExp, remedy: string][] = [
  [/^08001$/, 'Start or promote one of them, or correct DATABASE_URL.'],
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
    if (syscall === 'listen') return `${said}. Set PORT and HOTPATCH_HOST to what is free and yours.`
    if (NETWORK_CODES.test(code) || NETWORK_MESSAGES.test(each.message)) {
      return `The database does not answer: ${said}. Look at DATABASE_URL, and whether the database runs.`
    }
    if (SQLSTATE.test(code)) {
      const [, remedy = OTHER_REMEDY] = POSTGRES_REMEDIES.find(([known]) => known.test(code)) ?? []
      return `The database refuses: ${said} (SQLSTATE ${code}). ${remedy}`
    }
    if (path !== undefined || code === 'ERR_SQLITE_ERROR') {
      return `${said}. HOTPATCH_DATA must be a folder in which this user can write.`
    }
  }
  const why = chain.slice(1).map((each) => `\nbecause of ${each.name}: ${each.message}`)
  return (error.stack ?? error.message) + why.join('')
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
