import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { workerData } from 'node:worker_threads'
import { answerQuestions } from '../threads/answer-questions.ts'
import type { ReadQuestion } from './sqlite-thread.ts'

/** Queries are few and repeat; those with lists of parameters differ. */
const MAX_STATEMENTS = 100

const { path } = workerData as { path: string }
const database = new DatabaseSync(path, { readOnly: true })
database.exec('pragma query_only = on')
const statements = new Map<string, StatementSync>()

answerQuestions(({ sql, parameters }: ReadQuestion) => prepare(sql).all(...(parameters as SQLInputValue[])))

function prepare(sql: string): StatementSync {
  const known = statements.get(sql)
  if (known) return known
  const statement = database.prepare(sql)
  if (statements.size >= MAX_STATEMENTS) statements.clear()
  statements.set(sql, statement)
  return statement
}
