import type { Device, Page } from '@hotpatch/api'
import { describe, expect, test } from 'vitest'
import { isPrivateServer } from '../simulation/private-address.ts'
import { useServer } from '../testing/server-suite.ts'

const server = useServer()

interface Simulated {
  seed: string
  devices: number
  sessions: number
  checks: number
  downloads: number
  crashes: number
  rolledBack: number
  offlineSessions: number
  simulatedMinutes: number
  versions: Record<string, number>
}

async function createShop() {
  const publisher = await server.createPublisher({ platforms: ['android'] })
  await publisher.write({ 'dist/index.android.bundle': 'bundle' })
  const publish = (version: string) =>
    publisher.json(`release --platform android --bundle-dir dist --yes --version ${version}`)
  return { ...publisher, publish }
}

describe('simulate', () => {
  test('a day of a small fleet: its devices have what was published, and the server knows them', async () => {
    const { json, publish } = await createShop()
    await publish('1.0.0')
    const result = await json<Simulated>('simulate --devices 10 --seed day --offline-rate 10% --concurrency 10')
    expect(result).toMatchObject({ devices: 10, seed: 'day', simulatedMinutes: 1440, versions: { '1.0.0': 10 } })
    expect(result).toMatchObject({ downloads: 10, crashes: 0 })
    expect(result.checks).toBeGreaterThanOrEqual(20)
    const { items } = await json<Page<Device>>('devices list')
    expect(items).toHaveLength(10)
    expect(new Set(items.map(({ currentVersion }) => currentVersion))).toEqual(new Set(['1.0.0']))
    expect(items[0]?.attributes.model).toEqual(expect.any(String))
  })

  test('a version that crashes is rolled back where it does', async () => {
    const { json, publish } = await createShop()
    await publish('1.2.0')
    const result = await json<Simulated>(
      'simulate --devices 12 --crash-rate 1.2.0=100% --minutes 1000 --concurrency 12',
    )
    expect(result).toMatchObject({ versions: { embedded: 12 }, rolledBack: 12, crashes: 24 })
  })

  test('of updates of files each device fetches what it does not have', async () => {
    const { json, run, write } = await createShop()
    await write({ 'www/a.txt': 'a', 'www/b.txt': 'b' })
    const line = 'publish www --platform android --kind files --any-native --yes --version'
    await json(`${line} 1.0.0`)
    const simulate = 'simulate --devices 4 --kind files --seed files --minutes 2000 --concurrency 4'
    // Each of the two, and what lists them.
    expect(await json<Simulated>(simulate)).toMatchObject({ versions: { '1.0.0': 4 }, downloads: 12 })
    const refused = await run('simulate --kind files --checks-only')
    expect([refused.exitCode, refused.stderr]).toEqual([2, expect.stringContaining('leave out --kind files')])
  })

  test('says what it did in words, and that the devices are made up', async () => {
    const { run, publish } = await createShop()
    await publish('1.0.0')
    const { stdout, stderr, exitCode } = await run('simulate --devices 5 --checks-only --seed words')
    expect(exitCode).toBe(0)
    expect(stderr).toMatch(/5 simulated devices \(sim-words-000001 to sim-words-000005\) .*appear in its fleet/)
    expect(stdout).toMatch(/^versions\s+1\.0\.0 █{20} 5$/m)
    expect(stdout).toMatch(/^simulated time\s+24\.0 h, in /m)
  })

  test('goes at a speed, in real time', async () => {
    const { json } = await createShop()
    const startedAt = performance.now()
    await json('simulate --devices 3 --minutes 10 --check-interval 2 --speed 1200')
    expect(performance.now() - startedAt).toBeGreaterThan(490)
  })

  test('does not touch a server that may be in use', async () => {
    const tool = await server.createOwner()
    const options = '--url https://updates.example.com --token t'
    const { exitCode, stderr } = await tool.run(`simulate ${options}`)
    expect(exitCode).toBe(2)
    expect(stderr).toMatch(/neither on this machine nor on a private network.*--yes-really-this-server/s)
  })

  test.each([
    ['--devices 0', /1 to 1000000/],
    ['--devices 200000', /--checks-only/],
    ['--crash-rate 1.2.0', /1\.2\.0=30%/],
    ['--crash-rate 1.2.0=130%', /0% to 100%/],
    ['--offline-rate 0.1', /such as 10%/],
    ['--speed 0', /faster than real time/],
    ['--seed a/b', /letters, digits/],
    ['--minutes 0', /more than 0/],
    ['--concurrency 5000', /1 to 1024/],
  ])('refuses %s', async (option, message) => {
    const tool = await server.createOwner()
    const { exitCode, stderr } = await tool.run(`simulate ${option}`)
    expect(exitCode).toBe(2)
    expect(stderr).toMatch(message)
  })
})

test.each([
  ['http://localhost:3000', true],
  ['http://127.0.0.1:3000', true],
  ['http://[::1]:3000', true],
  ['http://10.1.2.3', true],
  ['http://192.168.178.20:8080', true],
  ['http://172.31.0.1', true],
  ['http://[fd00::1]', true],
  ['http://172.32.0.1', false],
  ['https://updates.example.com', false],
  ['http://localhost.example.com', false],
  ['http://8.8.8.8', false],
  ['http://[2001:db8::1]', false],
])('%s is a private server: %s', (url, isPrivate) => {
  expect(isPrivateServer(url)).toBe(isPrivate)
})
