import { eventually, startTestServer } from '@hotpatch/testkit'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { openPostgresMachine, type PostgresCluster } from './postgres-clusters.ts'
import { openTcpProxy } from './tcp-proxy.ts'

const PROGRAMS = process.env.POSTGRES_PROGRAMS

describe.skipIf(!PROGRAMS)('a server with a read replica', () => {
  let machine: Awaited<ReturnType<typeof openPostgresMachine>>
  let primary: PostgresCluster
  let replica: PostgresCluster

  beforeAll(async () => {
    machine = await openPostgresMachine(PROGRAMS ?? '')
    primary = await machine.newCluster('primary')
    replica = await machine.newCluster('replica')
    await primary.create()
    await primary.start()
    await replica.copy(primary)
    await replica.start()
  })
  afterAll(() => machine.close())

  async function aServer(name: string, replicaAddress = replica.address) {
    await primary.ask(`create database ${name}`)
    const url = (address: string) => primary.url(address).replace(/postgres$/, name)
    await eventually(async () => {
      expect(await replica.ask(`select count(*) from pg_database where datname = '${name}'`)).toBe('1')
    })
    const said: string[] = []
    const server = await startTestServer({
      env: {
        DATABASE_URL: url(primary.address),
        HOTPATCH_DATABASE_REPLICA_URL: url(replicaAddress),
        HOTPATCH_DATABASE_REPLICA_LAG_SECONDS: '5',
        HOTPATCH_METRICS: 'open',
        HOTPATCH_LOG_LEVEL: 'info',
      },
      logTo: { write: (line) => void said.push(line) },
    })
    onTestFinished(server.close)
    const app = await server.createTestApp()
    const get = async (path: string) => server.request('GET', `/manage/v1/apps/${app.slug}${path}`)
    const metric = async (metricName: string) => {
      const { body } = await server.request('GET', '/metrics')
      return Number(new RegExp(`^hotpatch_replica_${metricName} (.+)$`, 'm').exec(body)?.[1])
    }
    const isUsed = (value: number) => eventually(async () => expect(await metric('used')).toBe(value))
    const listed = async () => {
      const { status, body } = await get('/devices')
      expect(status).toBe(200)
      return (body.items as { id: string }[]).map(({ id }) => id).sort()
    }
    const meets = async (deviceId: string) => expect((await server.check(app, { deviceId })).status).toBe(200)
    const count = (text: string) => said.filter((line) => line.includes(text)).length
    await isUsed(1)
    return { ...server, testApp: app, get, isUsed, metric, listed, meets, count }
  }

  test('reads there what may be old, never what must be current, and from the primary when it is too far behind', async () => {
    const server = await aServer('behind')
    await server.meets('early')
    await eventually(async () => expect(await server.listed()).toEqual(['early']))

    await replica.ask('select pg_wal_replay_pause()')
    onTestFinished(async () => void (await replica.ask('select pg_wal_replay_resume()')))
    await server.meets('late')
    // The list is the replica's, which lacks it; the device by itself is not.
    expect(await server.listed()).toEqual(['early'])
    expect((await server.get('/devices/late')).status).toBe(200)
    // An export that lacked entries would look as if somebody had removed them.
    const audit = await server.createToken({ name: 'made while the replica stood', role: 'reader' })
    expect(audit).not.toBe('')
    await eventually(async () => {
      const { body } = await server.request('GET', '/manage/v1/audit/export')
      const lines = (body as string)
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>)
      expect(JSON.stringify(lines)).toContain('made while the replica stood')
      const positions = lines.filter(({ kind }) => kind === 'entry').map(({ position }) => position)
      expect(positions).toEqual(positions.map((_, index) => index + 1))
      expect(lines.at(-1)).toMatchObject({ kind: 'end', position: positions.length })
    })

    await server.isUsed(0)
    expect(await server.metric('lag_seconds')).toBeGreaterThan(5)
    expect(await server.listed()).toEqual(['early', 'late'])
    expect(server.count('the read replica is too far behind; the primary is read from in its place')).toBe(1)

    await replica.ask('select pg_wal_replay_resume()')
    await server.isUsed(1)
    expect(server.count('the read replica is read from again')).toBe(1)
    await eventually(async () => expect(await server.listed()).toEqual(['early', 'late']))
  })

  test('asks the primary while it is gone, without a request that fails, and says so once', async () => {
    const server = await aServer('gone')
    await server.meets('phone')
    await eventually(async () => expect(await server.listed()).toEqual(['phone']))
    await replica.kill()
    for (let turn = 0; turn < 5; turn += 1) {
      expect(await server.listed()).toEqual(['phone'])
      expect((await server.get('/insights/overview')).status).toBe(200)
    }
    await server.isUsed(0)
    expect(server.count('the read replica does not answer; the primary is read from in its place')).toBe(1)
    await replica.start()
    await server.isUsed(1)
    expect(server.count('the read replica is read from again')).toBe(1)
  })

  test('asks the primary while it accepts connections and says nothing', async () => {
    const proxy = await openTcpProxy(Number(replica.address.split(':')[1]))
    onTestFinished(proxy.close)
    const server = await aServer('silent', proxy.address)
    await server.meets('phone')
    await eventually(async () => expect(await server.listed()).toEqual(['phone']))
    proxy.silence()
    await server.isUsed(0)
    expect(await server.listed()).toEqual(['phone'])
    proxy.speak()
    await server.isUsed(1)
  })
})
