import type { FastifyBaseLogger } from 'fastify'
import type { Database } from '../../ground/database/schema.ts'

/** So often a process may end in the middle of one piece of work. Servers beside each other may be at the same one. */
const MAX_TRIES = 8

/**
 * Does work that may take more memory than there is: what was begun is counted until it ends, so that a file which ends
 * the process is not the first thing after every start.
 */
export function createUnlessItKills({ db, log }: { db: Database; log: Pick<FastifyBaseLogger, 'warn'> }) {
  /**
   * Undefined when nothing may come of it any more.
   * @param name of the work, and of what it is done with
   * @throws what the work throws: then it ended
   */
  return async function unlessItKills<Result>(
    name: string,
    work: () => Promise<Result | undefined>,
  ): Promise<Result | undefined> {
    const tries = await begin(name)
    if (tries > MAX_TRIES) {
      log.warn({ work: name, tries: MAX_TRIES }, 'the process ended each time in the middle of this: it is left out')
      await end(name)
      return undefined
    }
    try {
      return await work()
    } finally {
      await end(name)
    }
  }

  async function begin(name: string): Promise<number> {
    const { tries } = await db
      .insertInto('interrupted_work')
      .values({ name, tries: 1 })
      .onConflict((conflict) =>
        conflict.column('name').doUpdateSet(({ eb }) => ({ tries: eb('interrupted_work.tries', '+', 1) })),
      )
      .returning('tries')
      .executeTakeFirstOrThrow()
    return tries
  }

  async function end(name: string): Promise<void> {
    await db.deleteFrom('interrupted_work').where('name', '=', name).execute()
  }
}
