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
