import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'
import type { ReadAnswer, ReadRequest } from './sqlite-thread.ts'

/** Queries are few and repeat; those with lists of parameters differ. */
const MAX_STATEMENTS = 100

const { path } = workerData as { path: string }
const database = new DatabaseSync(path, { readOnly: true })
database.exec('pragma query_only = on')
const statements = new Map<string, StatementSync>()

parentPort?.on('message', ({ id, sql, parameters }: ReadRequest) => send(answer(id, sql, parameters)))

function answer(id: number, sql: string, parameters: readonly unknown[]): ReadAnswer {
  try {
    return { id, rows: prepare(sql).all(...(parameters as SQLInputValue[])) }
  } catch (error) {
    const { message, stack, code, errcode } = error as Error & { code?: unknown; errcode?: unknown }
    return { id, error: { message, stack, code, errcode } }
  }
}

function prepare(sql: string): StatementSync {
  const known = statements.get(sql)
  if (known) return known
  const statement = database.prepare(sql)
  if (statements.size >= MAX_STATEMENTS) statements.clear()
  statements.set(sql, statement)
  return statement
}

function send(answer: ReadAnswer): void {
  parentPort?.postMessage(answer)
}
