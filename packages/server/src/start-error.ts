import { ConfigError } from './config.ts'
import { SchemaTooNewError } from './database/migrate.ts'
import { DeviceSecretError } from './devices/device-identity.ts'
import { SecretsKeyError } from './secrets/secret-box.ts'

/** Connecting failed, or PostgreSQL refused with a SQLSTATE. */
const DATABASE_CODES = /^(ECONNREFUSED|ECONNRESET|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTUNREACH|[0-9][0-9A-Z]{4})$/

/** Their message says what to do. */
const STATED = [ConfigError, SchemaTooNewError, DeviceSecretError, SecretsKeyError]

/** What whoever starts the server can do about it; a stack only for what nobody foresaw. */
export function describeStartError(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (STATED.some((type) => error instanceof type)) return error.message
  const { code = '', path, syscall } = error as NodeJS.ErrnoException
  if (syscall === 'listen') return `${error.message}. Set PORT and HOTPATCH_HOST to what is free and yours.`
  if (DATABASE_CODES.test(code)) {
    return `The database does not answer: ${messageOf(error)}. Look at DATABASE_URL, and whether the database runs.`
  }
  if (path !== undefined || code === 'ERR_SQLITE_ERROR') {
    return `${error.message}. HOTPATCH_DATA must be a folder in which this user can write.`
  }
  return error.stack ?? error.message
}

/** Of a host with several addresses, each that was tried. */
function messageOf(error: Error): string {
  return error instanceof AggregateError ? error.errors.map(String).join('; ') : error.message
}
