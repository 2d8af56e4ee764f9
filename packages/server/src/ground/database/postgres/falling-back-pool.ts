import type { PostgresPool, PostgresPoolClient, PostgresQueryResult } from 'kysely'

/** Of the statement itself, or its own time: another server would say the same. */
const STATEMENTS_FAULT = /^(?!08|40|53|57|58|XX|55P03|25006)[0-9A-Z]{5}$|^57014$/

/**
 * Reads from one server as long as that can be used, and else from another. A statement that fails because of the server is
 * asked of the other one in its place.
 */
export function createFallingBackPool({
  first,
  other,
  isUsable,
  onFailed,
}: {
  first: PostgresPool
  /** Is not ended with this. */
  other: Pick<PostgresPool, 'connect'>
  /** Whether the first is to be asked at all. */
  isUsable: () => boolean
  /** The first did not answer. */
  onFailed: (error: unknown) => void
}): PostgresPool {
  async function connect(): Promise<PostgresPoolClient> {
    if (!isUsable()) return other.connect()
    try {
      return fallingBack(await first.connect())
    } catch (error) {
      onFailed(error)
      return other.connect()
    }
  }

  function fallingBack(client: PostgresPoolClient): PostgresPoolClient {
    let isInTransaction = false
    async function query<Row>(text: string, parameters: readonly unknown[]): Promise<PostgresQueryResult<Row>> {
      isInTransaction ||= /^(?:begin|start transaction)/.test(text)
      try {
        return await client.query<Row>(text, parameters)
      } catch (error) {
        if (isInTransaction || isStatementsFault(error)) throw error
        onFailed(error)
      }
      return ask<Row>(text, parameters)
    }
    return { query: query as PostgresPoolClient['query'], release: (isBroken) => client.release(isBroken) }
  }

  async function ask<Row>(text: string, parameters: readonly unknown[]): Promise<PostgresQueryResult<Row>> {
    const client = await other.connect()
    try {
      return await client.query<Row>(text, parameters)
    } finally {
      client.release()
    }
  }

  return { options: {}, connect, end: () => first.end() }
}

function isStatementsFault(error: unknown): boolean {
  return error instanceof Error && STATEMENTS_FAULT.test(String((error as { code?: unknown }).code))
}
