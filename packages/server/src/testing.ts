/** What tests of other packages may take from inside the server. */
export { readEnvironment } from './env.ts'
export { migrate } from './database/migrate.ts'
export { openDatabase } from './database/open-database.ts'
export type { Database, Schema } from './database/schema.ts'
