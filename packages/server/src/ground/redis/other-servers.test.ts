import { eventually } from '@hotpatch/testkit'
import { REDIS_MISSING, REDIS_SERVERS, startRedis, startRelay, type RedisServer } from '@hotpatch/testkit/redis'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { systemClock, systemTimers, type Timers } from '../clock.ts'
import type { Log } from '../log.ts'
import { joinOtherServers } from './other-servers.ts'
import { readRedisUrl } from './redis-config.ts'
import { channelOf } from './sealed-messages.ts'

const KEY = 'a key that all servers of a deployment have'

/** What takes seconds takes tenths of them: for tests in which something is waited for, and it may also be late. */
const hastyTimers: Timers = {
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs / 10)
    return () => clearTimeout(timer)
  },
}

interface Said {
  level: 'info' | 'warn'
  reason?: string
  text: string
}

async function join(url: string, { keys = [KEY], timers = systemTimers } = {}) {
  const config = readRedisUrl(url)
  if (!config) throw new Error(`${url} is no address.`)
  const said: Said[] = []
  const log = {
    info: (text: string) => void said.push({ level: 'info', text }),
    warn: ({ reason }: { reason: string }, text: string) => void said.push({ level: 'warn', reason, text }),
  } as unknown as Log
  const servers = await joinOtherServers({ config, keys, clock: systemClock, timers, log })
  onTestFinished(servers.close)
  const told: unknown[] = []
  let heard = 0
  let others = 0
  servers.on('news', (body) => void told.push(body))
  servers.onHeard(() => heard++)
  servers.onOthers((ids) => (others = ids.size))
  servers.start()
  return { servers, said, told, heard: () => heard, others: () => others }
}

type Joined = Awaited<ReturnType<typeof join>>

const isUp = (...all: Joined[]) =>
  eventually(() => expect(all.map(({ servers }) => servers.counters().isReachable)).not.toContain(false))
const isDown = (...all: Joined[]) =>
  eventually(() => expect(all.map(({ servers }) => servers.counters().isReachable)).not.toContain(true))

/** Says it until it arrives: what is told while the other one does not hear yet is lost. */
const hears = (from: Joined, to: Joined, body: unknown) =>
  eventually(() => {
    from.servers.tell('news', body)
    expect(to.told).toContainEqual(body)
  })

if (REDIS_SERVERS.length === 0) test.skip(`servers on one Redis: ${REDIS_MISSING}`)
else
  describe.each(REDIS_SERVERS)('servers on one %s', (program) => {
    let redis: RedisServer
    beforeAll(async () => {
      redis = await startRedis(program)
    })
    afterAll(() => redis.stop())

    async function ownRedis(settings: string[] = []): Promise<RedisServer> {
      const own = await startRedis(program, settings)
      onTestFinished(own.stop)
      return own
    }

    test('hear what the others tell, and who they are, and not themselves', async () => {
      const [one, two] = [await join(redis.url), await join(redis.url)]
      await hears(one, two, 'of one')
      await hears(two, one, { of: ['two'] })
      expect(one.told).not.toContain('of one')
      await eventually(() => expect([one.others(), two.others()]).toEqual([1, 1]))
      expect([one.heard(), two.heard()]).toEqual([1, 1])
      expect([...one.said, ...two.said]).toEqual([])
    })

    test('do not hear those of another deployment', async () => {
      const [ours, theirs] = [await join(redis.url), await join(redis.url, { keys: ['a key of another deployment'] })]
      const second = await join(redis.url)
      await isUp(ours, theirs)
      theirs.servers.tell('news', 'of others')
      await hears(ours, second, 'of ours')
      expect(second.told).not.toContain('of others')
      expect(theirs.told).toEqual([])
      expect(ours.servers.counters().refused).toBe(0)
    })

    test('hear each other while their keys are changed', async () => {
      const next = 'the next key'
      const old = await join(redis.url, { keys: [KEY, next] })
      const new_ = await join(redis.url, { keys: [next, KEY] })
      await hears(old, new_, 'with the old key')
      await hears(new_, old, 'with the next key')
    })

    test('go on without it when it is killed, say so once, and are back when it is', async () => {
      const own = await ownRedis()
      const [one, two] = [await join(own.url), await join(own.url)]
      await hears(one, two, 'before')
      await own.kill()
      await isDown(one, two)
      expect([one.others(), two.others()]).toEqual([0, 0])
      expect(one.servers.tell('news', 'meanwhile')).toBe(false)
      expect(one.servers.counters().untold).toBeGreaterThan(0)
      await own.startAgain()
      await hears(one, two, 'after')
      await isUp(one, two)
      expect(two.heard()).toBe(2)
      for (const { said } of [one, two]) {
        expect(said.map(({ level }) => level)).toEqual(['warn', 'info'])
        expect(said[0]?.text).toContain('limits are those of this machine')
      }
    })

    test('start without it', async () => {
      const own = await ownRedis()
      await own.kill()
      const one = await join(own.url)
      await eventually(() => expect(one.said).toHaveLength(1))
      await own.startAgain()
      await isUp(one)
      expect(one.heard()).toBe(1)
    })

    test('notice that it is there and answers no more', async () => {
      const own = await ownRedis()
      const one = await join(own.url, { timers: hastyTimers })
      await isUp(one)
      own.freeze()
      onTestFinished(own.thaw)
      await eventually(() => expect(one.said.at(-1)?.reason).toBe('It did not answer within 5 s.'))
      await isDown(one)
      own.thaw()
      await isUp(one)
    })

    test('notice that the way there swallows all of it, at first and later', async () => {
      const relay = await startRelay(redis.port)
      onTestFinished(relay.stop)
      relay.swallow()
      const one = await join(`redis://127.0.0.1:${relay.port}`, { timers: hastyTimers })
      await eventually(() => expect(one.said[0]?.reason).toBe('It did not answer within 5 s.'))
      relay.pass()
      await isUp(one)
      relay.swallow()
      await isDown(one)
      relay.pass()
      await isUp(one)
    })

    test('are told when the password is wrong, and tell it to nobody', async () => {
      const own = await ownRedis(['--requirepass', 'the right one'])
      const wrong = await join(`redis://:the%20wrong%20one@127.0.0.1:${own.port}`)
      await eventually(() => expect(wrong.said[0]?.reason).toContain('WRONGPASS'))
      const none = await join(own.url)
      await eventually(() => expect(none.said[0]?.reason).toContain('NOAUTH'))
      expect(JSON.stringify([wrong.said, none.said])).not.toMatch(/the (right|wrong) one|the%20/)
      await isUp(await join(`redis://:the%20right%20one@127.0.0.1:${own.port}`))
    })

    test('need no more than to publish, to subscribe and to ping', async () => {
      const own = await ownRedis()
      const rights = 'on >secret resetchannels &hotpatch:* -@all +publish +subscribe +ping'
      await own.command(['ACL', 'SETUSER', 'hotpatch', ...rights.split(' ')])
      const url = `redis://hotpatch:secret@127.0.0.1:${own.port}`
      const [one, two] = [await join(url), await join(url)]
      await hears(one, two, 'told')
    })

    test('are told when they may not', async () => {
      const own = await ownRedis()
      await own.command(['ACL', 'SETUSER', 'reader', 'on', '>secret', 'allchannels', '-@all', '+subscribe', '+ping'])
      const one = await join(`redis://reader:secret@127.0.0.1:${own.port}`)
      await eventually(() => expect(one.said[0]?.reason).toMatch(/NOPERM.*publish/i))
    })

    test('take the next address when one is not there', async () => {
      const one = await join(`redis://127.0.0.1:1,127.0.0.1:${redis.port}`)
      await isUp(one)
    })

    test('miss nothing when all of it is flushed', async () => {
      const [one, two] = [await join(redis.url), await join(redis.url)]
      await hears(one, two, 'before')
      expect(await redis.command(['FLUSHALL'], ['DBSIZE'])).toContain(':0')
      await hears(one, two, 'after')
      expect([...one.said, ...two.said]).toEqual([])
    })

    test('refuse what others put on their channel, and count it', async () => {
      const [one, two] = [await join(redis.url), await join(redis.url)]
      await isUp(one, two)
      const messages = ['', 'hello', '[]', '{"topic":"news"}', '\u0001'.repeat(100), 'x'.repeat(2_000_000)]
      await redis.command(...messages.map((message) => ['PUBLISH', channelOf(KEY), message]))
      await eventually(() => expect(one.servers.counters().refused).toBe(messages.length))
      await hears(one, two, 'of ours')
      expect(two.told.every((body) => body === 'of ours')).toBe(true)
    })

    test('hear a message once that somebody repeats', async () => {
      const [one, two] = [await join(redis.url), await join(redis.url)]
      await hears(one, two, 'before')
      const listener = await startListener(redis, channelOf(KEY))
      const once = 'only once '.repeat(30)
      one.servers.tell('news', once)
      const message = await listener.next()
      await redis.command(['PUBLISH', channelOf(KEY), message], ['PUBLISH', channelOf(KEY), message])
      await eventually(() => expect(two.servers.counters().refused).toBeGreaterThanOrEqual(2))
      expect(two.told.filter((body) => body === once)).toHaveLength(1)
    })

    test('leave a channel that is flooded, and come back when it is not', async () => {
      const own = await ownRedis()
      const hasty = { timers: hastyTimers }
      const [one, two] = [await join(own.url, hasty), await join(own.url, hasty)]
      await hears(one, two, 'before')
      const flood = Array.from({ length: 2_000 }, () => ['PUBLISH', channelOf(KEY), 'x'.repeat(1_000)])
      await own.command(...flood)
      const reason = 'More came on the channel than this server takes in.'
      for (const { said } of [one, two])
        await eventually(() => expect(said).toContainEqual(expect.objectContaining({ reason })))
      expect(one.servers.counters().refused).toBeLessThan(1_000)
      await hears(one, two, 'after')
    })
  })

/** Somebody who listens on a channel, and keeps what the servers there say. */
async function startListener(redis: RedisServer, channel: string) {
  const { createClient } = await import('@redis/client')
  const client = createClient({ url: redis.url })
  client.on('error', () => undefined) // the test ends it
  onTestFinished(() => client.destroy())
  await client.connect()
  const messages: Buffer[] = []
  await client.subscribe(channel, (message) => void messages.push(message), true)
  /** The longest of the next few: the shorter ones say that somebody is here. */
  return {
    next: () =>
      eventually(() => {
        const longest = messages.toSorted((a, b) => b.length - a.length)[0]
        expect(longest?.length).toBeGreaterThan(300)
        return longest as Buffer
      }),
  }
}
