/** What tests of other packages may take from inside the server. */
export { sql } from 'kysely'
export { readEnvironment } from './configuration/env.ts'
export { migrate } from './ground/database/migrate.ts'
export { openDatabase } from './ground/database/open-database.ts'
export type { Database, Schema } from './ground/database/schema.ts'
export { NodeSqliteDialect } from './ground/database/sqlite-dialect.ts'
export { makeBlockMap } from './shipping/block-maps/block-map.ts'
export { unzip } from './shipping/content/testing/unzip.ts'
