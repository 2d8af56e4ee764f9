import { setTimeout as wait } from 'node:timers/promises'
import type { World } from '../world.ts'

const EVERY_MS = 500

/** Whether servers live that nobody has killed; one that does not is started again, so that there is something to see. */
export async function watchLives({ site, findings, end }: World): Promise<void> {
  while (!end.aborted) {
    for (const server of site.servers) {
      const lastWords = server.endedByItself()
      findings.expectThat('stays-alive', lastWords === undefined, () => `Server ${server.index} ended: ${lastWords}`)
      if (lastWords !== undefined) await server.start()
    }
    await wait(EVERY_MS)
  }
}
