import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import {
  bundleOf,
  createPostgresDatabase,
  eventually,
  publishForm,
  startServerProcess,
  temporaryDirectory,
} from '@hotpatch/testkit'
import { REDIS_SERVERS, startRedis } from '@hotpatch/testkit/redis'
import { describe, expect, onTestFinished, test } from 'vitest'
import { freePort } from '@hotpatch/testkit/free-port'

const run = promisify(execFile)
const DEPLOY = fileURLToPath(new URL('../deploy/', import.meta.url))

interface Panel {
  title: string
  type: string
  gridPos: { x: number; y: number; w: number; h: number }
  targets?: { expr: string; legendFormat: string }[]
}

async function readBoard() {
  return JSON.parse(await readFile(join(DEPLOY, 'grafana/hotpatch.json'), 'utf8')) as {
    panels: Panel[]
    templating: { list: { name: string }[] }
  }
}

test('panels of the board lie beside each other, and know only the variables that it has', async () => {
  const { panels, templating } = await readBoard()
  const known = new Set([...templating.list.map(({ name }) => name), '__rate_interval'])
  const cells = new Set<string>()
  for (const { title, gridPos, targets = [] } of panels) {
    expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24)
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
        expect(cells.has(`${x},${y}`), title).toBe(false)
        cells.add(`${x},${y}`)
      }
    }
    for (const { expr } of targets) for (const [, name = ''] of expr.matchAll(/\$(\w+)/g)) expect(known).toContain(name)
  }
})

const postgres = process.env.TEST_POSTGRES_URL ?? ''
const isReady = process.env.HOTPATCH_PROMETHEUS_READY === '1' && REDIS_SERVERS.length > 0 && postgres !== ''

describe.skipIf(!isReady)('with a real Prometheus', () => {
  test('the alerts are rules, and tell of what they are for', async () => {
    await run('promtool', ['check', 'rules', '--lint-fatal', join(DEPLOY, 'prometheus/alerts.yaml')])
    await run('promtool', ['test', 'rules', join(DEPLOY, 'prometheus/alerts.test.yaml')])
  })

  test('every line of the board has data of a server that is used, and every alert asks for metrics that it has', async () => {
    const redis = await startRedis()
    onTestFinished(redis.stop)
    const database = await createPostgresDatabase(postgres)
    onTestFinished(database.drop)
    // A server may be its own replica: it is never behind.
    const databases = { DATABASE_URL: database.url, HOTPATCH_DATABASE_REPLICA_URL: database.url }
    const server = await startServerProcess({
      directory: await temporaryDirectory(),
      env: { HOTPATCH_METRICS: 'open', REDIS_URL: redis.url, ...databases },
    })
    onTestFinished(() => server.stop().then(() => undefined))
    const use = await aUsedServer(server)
    const prometheus = await startPrometheus(new URL(server.url).host)
    const { panels } = await readBoard()
    const lines = panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => [title, expr] as const))
    expect(lines.length).toBeGreaterThan(25)
    await eventually(async () => {
      await use()
      const empty: string[] = []
      for (const [title, expr] of lines) {
        const asked = expr.replaceAll('$instance', '.*').replaceAll('$__rate_interval', '30s')
        const { result } = await prometheus.ask<{ result: unknown[] }>(`query?query=${encodeURIComponent(asked)}`)
        if (result.length === 0) empty.push(`${title}: ${asked}`)
      }
      expect(empty).toEqual([])
    })

    const { groups } = await prometheus.ask<{
      groups: { rules: { name: string; query: string; health: string; state: string }[] }[]
    }>('rules')
    const rules = groups.flatMap((group) => group.rules)
    expect(rules.filter(({ health }) => health !== 'ok')).toEqual([])
    expect(rules.filter(({ state }) => state !== 'inactive')).toEqual([])
    const names = await prometheus.ask<string[]>('label/__name__/values')
    const wanted = rules.flatMap(({ query }) => query.match(/\b(?:hotpatch|process|nodejs)_\w+/g) ?? [])
    expect(wanted.filter((name) => !names.includes(name))).toEqual([])
  })
})

/** Published, checked and downloaded. Returns what goes on with it. */
async function aUsedServer({ url, ownerToken }: { url: string; ownerToken: string }) {
  const headers = { authorization: `Bearer ${ownerToken}` }
  const created = await fetch(`${url}/manage/v1/apps`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify({ slug: 'shop' }),
  })
  const { appKey } = (await created.json()) as { appKey: string }
  const body = publishForm({ platform: 'android', version: '1.0.0' }, await bundleOf('one'), {})
  const published = await fetch(`${url}/manage/v1/apps/shop/releases`, { method: 'POST', headers, body })
  expect(published.status).toBe(201)
  return async () => {
    const answer = await fetch(`${url}/update/check?deviceId=phone&platform=android&version=0`, {
      headers: { 'x-app-key': appKey },
    })
    const { bundleUrl } = (await answer.json()) as { bundleUrl: string }
    await (await fetch(bundleUrl)).arrayBuffer()
    await fetch(`${url}/manage/v1/apps`, { headers })
  }
}

async function startPrometheus(target: string) {
  const directory = await temporaryDirectory()
  const port = await freePort()
  const config = {
    global: { scrape_interval: '1s', evaluation_interval: '1s' },
    rule_files: [join(DEPLOY, 'prometheus/alerts.yaml')],
    scrape_configs: [{ job_name: 'hotpatch', static_configs: [{ targets: [target] }] }],
  }
  const path = join(directory, 'prometheus.yaml')
  // JSON is YAML.
  await writeFile(path, JSON.stringify(config))
  const storage = [`--storage.tsdb.path=${directory}/data`, '--storage.tsdb.retention.time=1h']
  const child = spawn('prometheus', [`--config.file=${path}`, `--web.listen-address=127.0.0.1:${port}`, ...storage], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let complaints = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaints = (complaints + text).slice(-4000)))
  onTestFinished(async () => {
    child.kill('SIGTERM')
    if (child.exitCode === null) await once(child, 'exit')
  })
  const url = `http://127.0.0.1:${port}`
  await eventually(async () => {
    if (child.exitCode !== null) throw new Error(complaints)
    expect((await fetch(`${url}/-/ready`)).status).toBe(200)
  })
  return {
    async ask<Data>(question: string): Promise<Data> {
      const answer = (await (await fetch(`${url}/api/v1/${question}`)).json()) as { status: string; data: Data }
      expect(answer.status, question).toBe('success')
      return answer.data
    },
  }
}
