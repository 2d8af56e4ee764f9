import { existsSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { OperatorError } from '../command/operator-command.ts'
import { flush } from './durable-copy.ts'

export interface NamedArtifact {
  sha256: string
  sizeBytes: number
}

/**
 * Of one moment, while a server writes: SQLite reads it in one transaction, which waits for nobody and ends, however much
 * is written meanwhile. (Its way of copying page by page begins anew with each write of another process.)
 *
 * @throws OperatorError when there is none, or it is damaged
 */
export async function copyDatabase(from: string, to: string): Promise<{ schema: string }> {
  if (!existsSync(from)) {
    throw new OperatorError(`There is no database at ${from}. Set HOTPATCH_DATA to the data folder of the server.`)
  }
  const source = new DatabaseSync(from, { readOnly: true, timeout: 10_000 })
  try {
    source.prepare('vacuum into ?').run(to)
  } finally {
    source.close()
  }
  await flush(to)
  return { schema: checkDatabase(to) }
}

/** Returns its newest migration. @throws OperatorError when SQLite finds it damaged */
export function checkDatabase(path: string): string {
  return withCopy(path, (copy) => {
    const found = copy.prepare('pragma quick_check(1)').get() as { quick_check: string }
    if (found.quick_check !== 'ok') {
      throw new OperatorError(
        `SQLite finds the database at ${path} damaged: ${found.quick_check}. Use an earlier backup.`,
      )
    }
    const newest = copy.prepare('select max(name) as name from kysely_migration').get() as { name: string | null }
    return newest.name ?? ''
  })
}

/** One after the other: there may be a million. */
export function* namedArtifacts(path: string): Generator<NamedArtifact> {
  const copy = new DatabaseSync(path, { readOnly: true })
  try {
    // Backups of earlier servers know of no bytes that left.
    const columns = copy.prepare(`select name from pragma_table_info('artifact')`).all()
    const having = columns.some(({ name }) => name === 'bytes_until') ? 'where bytes_until is null' : ''
    const statement = copy.prepare(`select sha256, size_bytes as sizeBytes from artifact ${having} order by sha256`)
    for (const row of statement.iterate()) yield row as unknown as NamedArtifact
  } finally {
    copy.close()
  }
}

function withCopy<Result>(path: string, use: (copy: DatabaseSync) => Result): Result {
  const copy = new DatabaseSync(path, { readOnly: true })
  try {
    return use(copy)
  } finally {
    copy.close()
  }
}
