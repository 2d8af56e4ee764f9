import type { OtherServers } from '../redis/other-servers.ts'
import type { ChangeFeed, ChangeTopic } from './change-topics.ts'

/** Changes by way of Redis: through a pool that gives a connection to each transaction, PostgreSQL tells nobody. */
export function listenOnRedis(servers: OtherServers): ChangeFeed {
  const topicOf = (topic: ChangeTopic) => `changed ${topic}`
  const unsent = new Set<ChangeTopic>()
  servers.onHeard(() => {
    const late = [...unsent]
    unsent.clear()
    for (const topic of late) tell(topic, '')
  })

  function tell(topic: ChangeTopic, detail: string): void {
    if (!servers.tell(topicOf(topic), detail)) unsent.add(topic)
  }

  return {
    on(topic, hear) {
      servers.on(topicOf(topic), (detail) => void hear(typeof detail === 'string' ? detail : ''))
      // What was sent while nobody listened.
      servers.onHeard(() => void hear(''))
    },
    // They are heard as soon as they can be; nobody waits for it.
    start: () => Promise.resolve(servers.start()),
    send: (topic, detail) => Promise.resolve(tell(topic, detail)),
    close: () => Promise.resolve(servers.close()),
  }
}
