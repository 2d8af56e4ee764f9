import type { OtherServers } from '../redis/other-servers.ts'
import { ALONE, type Crew } from '../workers/crew.ts'
import type { ChangeFeed, ChangeTopic, Hear } from './change-topics.ts'
import { listenOnPostgres } from './listen-on-postgres.ts'
import { listenOnRedis } from './listen-on-redis.ts'
import type { ServerChoice } from './postgres/server-choice.ts'
import type { Database } from './schema.ts'

/**
 * The processes of one machine tell each other, and PostgreSQL tells other machines, and Redis where there is one. Who
 * cannot hear refreshes by time.
 * @param servers of PostgreSQL; undefined on SQLite
 * @param crew those of this machine
 * @param otherServers over Redis
 */
export function createChangeFeed(
  servers: ServerChoice | undefined,
  db: Database,
  onError: (error: unknown) => void,
  crew: Crew = ALONE,
  otherServers: OtherServers | null = null,
): ChangeFeed {
  const feeds = [
    ...(crew.size > 1 ? [listenToCrew(crew, onError)] : []),
    ...(servers ? [listenOnPostgres(servers, db, onError)] : []),
    ...(otherServers ? [listenOnRedis(otherServers)] : []),
  ]
  const all = async (run: (feed: ChangeFeed) => Promise<void>) => void (await Promise.all(feeds.map(run)))
  return {
    on: (topic, hear) => {
      for (const feed of feeds) feed.on(topic, hear)
    },
    start: () => all((feed) => feed.start()),
    send: (topic, detail) => all((feed) => feed.send(topic, detail)),
    close: () => all((feed) => feed.close()),
  }
}

function listenToCrew(crew: Crew, onError: (error: unknown) => void): ChangeFeed {
  const listeners: { topic: ChangeTopic; hear: Hear }[] = []
  const topicOf = (topic: ChangeTopic) => `changed ${topic}`

  async function hear(topic: ChangeTopic, detail: string): Promise<void> {
    for (const listener of listeners) if (listener.topic === topic) await listener.hear(detail)
  }

  return {
    on(topic, listener) {
      listeners.push({ topic, hear: listener })
      crew.on(topicOf(topic), (detail) => hear(topic, String(detail)))
    },
    async start() {
      await crew.join()
      // What was said while nobody listened.
      for (const listener of listeners) await listener.hear('')
    },
    async send(topic, detail) {
      await crew.ask(topicOf(topic), detail).catch(onError)
    },
    close: () => Promise.resolve(),
  }
}
