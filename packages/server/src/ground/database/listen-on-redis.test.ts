import { eventually } from '@hotpatch/testkit'
import { REDIS_MISSING, REDIS_SERVERS, startRedis } from '@hotpatch/testkit/redis'
import { expect, onTestFinished, test } from 'vitest'
import { systemClock, systemTimers } from '../clock.ts'
import type { Log } from '../log.ts'
import { joinOtherServers } from '../redis/other-servers.ts'
import { readRedisUrl, type RedisConfig } from '../redis/redis-config.ts'
import { ALONE } from '../workers/crew.ts'
import { createChangeFeed } from './change-feed.ts'
import { openDatabase } from './open-database.ts'

if (REDIS_SERVERS.length === 0) test.skip(`changes over Redis: ${REDIS_MISSING}`)
else
  test('changes are heard over Redis where nothing else tells them, and all is looked at when it was away', async () => {
    const redis = await startRedis()
    onTestFinished(redis.stop)
    const config = readRedisUrl(redis.url) as RedisConfig
    // None that tells others anything.
    const database = { kind: 'sqlite', path: ':memory:' } as const
    const db = openDatabase(database)
    onTestFinished(() => db.destroy())
    const log = { info: () => undefined, warn: () => undefined } as unknown as Log

    async function openFeed() {
      const given = { clock: systemClock, timers: systemTimers, log }
      const servers = await joinOtherServers({ config, keys: ['the key of both'], ...given })
      const feed = createChangeFeed(undefined, db, () => undefined, ALONE, servers)
      onTestFinished(feed.close)
      const heard: string[] = []
      feed.on('catalogs', (detail) => void heard.push(detail))
      await feed.start()
      return { feed, heard }
    }

    const [one, two] = [await openFeed(), await openFeed()]
    // What was said before either could be heard.
    await eventually(() => expect([one.heard, two.heard]).toEqual([[''], ['']]))
    await one.feed.send('catalogs', 'what changed')
    await eventually(() => expect(two.heard).toEqual(['', 'what changed']))
    expect(one.heard).toEqual([''])

    await redis.kill()
    await one.feed.send('catalogs', 'what nobody hears')
    await redis.startAgain()
    await eventually(() => expect(one.heard).toEqual(['', '']))
    // Once because it is back itself; once more if the other one is back later, and says that it could say nothing.
    await eventually(() => expect(two.heard.slice(0, 3)).toEqual(['', 'what changed', '']))
    await one.feed.send('catalogs', 'what changed then')
    await eventually(() => expect(two.heard).toContain('what changed then'))
  })
