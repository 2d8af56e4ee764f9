/** Nobody is there, or nobody answers in time. */
const NETWORK = /^(?:ECONNREFUSED|ECONNRESET|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|EPIPE)$/
/** PostgreSQL: connection exceptions, no more connections, a lock that is not to be had, shutting down or starting; a server that only reads; a replica that had to go on; a deadlock. */
const SQLSTATE = /^(?:08[0-9A-Z]{3}|40001|40P01|53[0-9A-Z]{3}|55P03|57P0[1-4]|25006)$/
/** The driver's own, which have no code. */
const DRIVER =
  /^(?:timeout exceeded when trying to connect|Connection terminated|Client has encountered a connection error|The connection is closed|Cannot use a pool after)/
/** SQLite: BUSY, LOCKED, READONLY, IOERR, FULL, CANTOPEN. */
const SQLITE = new Set([5, 6, 8, 10, 13, 14])

/** Whether a request failed because the database cannot be reached or cannot work, and may succeed later. */
export function isOutage(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const { code, errcode, message, cause } = error as Error & { code?: unknown; errcode?: unknown }
  if (typeof errcode === 'number') return SQLITE.has(errcode & 0xff)
  if (typeof code === 'string' && (NETWORK.test(code) || SQLSTATE.test(code))) return true
  if (DRIVER.test(message)) return true
  if (error instanceof AggregateError) return error.errors.some(isOutage)
  return isOutage(cause)
}
