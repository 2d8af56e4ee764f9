import { createPostgresDatabase } from './postgres-database.ts'

const postgres = process.env.TEST_POSTGRES_URL

/**
 * What a server process can keep its facts in, for `describe.each`: the name, one that is empty, with what the process is
 * told of it, and whether this machine has it.
 */
export const SERVER_DATABASES = [
  ['SQLite', async () => ({ env: {}, drop: async () => {} }), true],
  [
    'PostgreSQL',
    async () => {
      const database = await createPostgresDatabase(postgres ?? '')
      return { env: { DATABASE_URL: database.url }, drop: database.drop }
    },
    postgres !== undefined,
  ],
] as const

/**
 * For stories that are long: PostgreSQL where it is there, as whatever names no database is on SQLite. With
 * HOTPATCH_TEST_EVERY_DATABASE=1 each that is there.
 */
export const STORY_DATABASES = SERVER_DATABASES.filter(([, , isHere]) => isHere).slice(
  process.env.HOTPATCH_TEST_EVERY_DATABASE === '1' ? 0 : -1,
)
