import { rm } from 'node:fs/promises'
import { bundleOf, eventually, makeTemporaryDirectory, publishForm, startServerProcess } from '@hotpatch/testkit'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startDevices } from './device-load.ts'
import { openPostgresMachine } from './postgres-clusters.ts'

const PROGRAMS = process.env.POSTGRES_PROGRAMS
const SHARED = {
  HOTPATCH_DEVICE_ID_SECRET: 'the secret of all of these servers',
  HOTPATCH_SECRETS_KEY: 'the secrets key of all of these servers',
  JWT_SECRET: 'the secret of the tokens of all of these servers',
  HOTPATCH_ADDRESS_REQUESTS_PER_MINUTE: '0',
  HOTPATCH_DEVICE_REQUESTS_PER_MINUTE: '0',
  HOTPATCH_ADDRESS_EVENTS_PER_MINUTE: '0',
  HOTPATCH_DEVICE_EVENTS_PER_DAY: '0',
  HOTPATCH_LOG_FORMAT: 'json',
  HOTPATCH_METRICS: 'open',
  // Whatever is seen was heard of, and not looked for.
  HOTPATCH_REFRESH_SECONDS: '3600',
}

/** Checks that the test itself made. */
let asked = 0

async function aServer(url: string, token?: string) {
  const directory = await makeTemporaryDirectory()
  const server = await startServerProcess({ directory, env: { ...SHARED, DATABASE_URL: url } })
  onTestFinished(async () => {
    await server.stop('SIGKILL').catch(() => undefined)
    await rm(directory, { recursive: true, force: true })
  })
  const authorization = `Bearer ${token ?? server.ownerToken}`

  async function manage(method: string, path: string, body?: object) {
    const isForm = body instanceof FormData
    const response = await fetch(`${server.url}/manage/v1${path}`, {
      method,
      headers: { authorization, ...(body && !isForm && { 'content-type': 'application/json' }) },
      ...(body && { body: isForm ? body : JSON.stringify(body) }),
    })
    // oxlint-disable-next-line typescript/no-explicit-any -- answers of every shape are looked into
    return { status: response.status, type: response.headers.get('content-type'), body: (await response.json()) as any }
  }

  return {
    ...server,
    token: token ?? server.ownerToken,
    manage,
    publish: async (version: string) =>
      manage('POST', '/apps/demo/releases', publishForm({ platform: 'android', version }, await bundleOf(version))),
    statusOf: async (path: string) => (await fetch(`${server.url}${path}`)).status,
    /** The version that a device is offered. */
    async offers() {
      asked += 1
      const answer = await fetch(`${server.url}/apps/demo/update/check?platform=android&version=0.9.0&deviceId=asks`)
      expect(answer.status).toBe(200)
      return ((await answer.json()) as { version?: string }).version
    },
    async metric(name: string) {
      const text = await (await fetch(`${server.url}/metrics`)).text()
      return Number(new RegExp(`^${name} (.+)$`, 'm').exec(text)?.[1])
    },
    said: (text: string) => server.output().split(text).length - 1,
  }
}

describe.skipIf(!PROGRAMS)('a primary of PostgreSQL that dies, and its standby', () => {
  test('checks go on, what devices told is counted, nothing is half published, and the old one is left alone', async () => {
    const machine = await openPostgresMachine(PROGRAMS ?? '')
    onTestFinished(machine.close)
    const one = await machine.newCluster('one')
    const two = await machine.newCluster('two')
    await one.create()
    await one.start()
    await two.copy(one)
    await two.start()
    // What was acknowledged is on both of them: nothing may be lost, and what is counted can be held against it.
    await one.ask("alter system set synchronous_standby_names = '*'")
    await one.ask('select pg_reload_conf()')
    await eventually(async () => expect(await one.ask('select sync_state from pg_stat_replication')).toBe('sync'))

    const url = one.url(`${one.address},${two.address}`, '?target_session_attrs=read-write')
    const first = await aServer(url)
    const second = await aServer(url, first.token)
    const { body: app } = await first.manage('POST', '/apps', { slug: 'demo', checkAccess: 'open' })
    expect((await first.publish('1.0.0')).status).toBe(201)
    await eventually(async () => expect(await second.offers()).toBe('1.0.0'))

    const devices = startDevices({ url: first.url, appId: app.id, appKey: app.appKey, version: '1.0.0' })
    await eventually(() => expect(devices.taken()).toBeGreaterThan(20))
    const takenBefore = devices.taken()
    await one.kill()

    // While nobody is primary.
    const refusals = []
    for (let minor = 0; minor < 3; minor += 1) refusals.push(await first.publish(`9.${minor}.0`))
    for (const { status, type, body } of refusals) {
      expect([status, body.type]).toEqual([503, '/problems/unavailable'])
      expect(type).toContain('application/problem+json')
    }
    expect([await first.statusOf('/healthz'), await first.statusOf('/readyz')]).toEqual([200, 503])
    const answeredBefore = devices.answered()
    await eventually(() => expect(devices.answered()).toBeGreaterThan(answeredBefore + 20))

    await two.ask('select pg_promote()')
    await eventually(async () => expect((await first.publish('1.1.0')).status).toBe(201))
    await eventually(async () => expect(await second.offers()).toBe('1.1.0'))
    expect(await first.statusOf('/readyz')).toBe(200)
    await eventually(() => expect(devices.taken()).toBeGreaterThan(takenBefore + 20))
    // Heard of by the connection that took the lost one's place: there is no other way.
    expect((await second.publish('1.2.0')).status).toBe(201)
    await eventually(async () => expect(await first.offers()).toBe('1.2.0'))

    // The old one comes back, and takes itself for the primary.
    await one.start({
      synchronous_standby_names: '',
      log_connections: 'on',
      log_statement: 'mod',
      log_line_prefix: '%a: ',
    })
    expect(await one.ask('select pg_is_in_recovery()')).toBe('f')
    const third = await aServer(url, first.token)
    await eventually(() => expect(one.log().split('application_name=hotpatch-looks').length).toBeGreaterThan(5))
    expect((await third.publish('1.3.0')).status).toBe(201)
    await eventually(async () => expect(await first.offers()).toBe('1.3.0'))
    expect(await one.ask("select string_agg(version, ' ') from release")).toBe('1.0.0')
    const writers = one.log().match(/^hotpatch (?:people|devices|figures|migrations): .*$/gm)
    expect(writers ?? []).toEqual([])

    const { statuses, failures, taken, refused } = await devices.stop()
    expect([new Set(statuses), failures]).toEqual([new Set([200]), []])
    expect(refused).toBeGreaterThan(0)
    const { body: list } = await first.manage('GET', '/apps/demo/releases')
    const versions = (list.items as { version: string }[]).map(({ version }) => version).sort()
    expect(versions).toEqual(['1.0.0', '1.1.0', '1.2.0', '1.3.0'])
    for (const name of ['dropped_notes', 'dropped_counts', 'refused_rows'])
      expect([name, await first.metric(`hotpatch_fleet_${name}`)]).toEqual([name, 0])
    expect(first.said('another server of the database is used')).toBe(1)

    expect([await first.stop(), await second.stop(), await third.stop()]).toEqual([0, 0, 0])
    expect(Number(await two.ask('select count(*) from device_event'))).toBe(taken)
    expect(Number(await two.ask('select sum(checks) from check_hour'))).toBe(statuses.length + asked)
    expect(
      await two.ask('select count(*) from release_file f left join artifact a using (sha256) where a.sha256 is null'),
    ).toBe('0')
  })
})
