import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import { systemClock } from '@hotpatch/client/node'
import { eventually, temporaryDirectory } from '@hotpatch/testkit'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createNodeDisk } from '../../ground/node-disk.ts'
import { createNodeHooks } from '../../hooks/node-hooks.ts'
import type { ServiceHooks } from '../../installation/installation.ts'
import { workOn } from '../testing/component-suite.ts'
import { binaryAdapter } from './binary-adapter.ts'

/** Answers its version and its process; of one that is broken there is nobody. */
const gateway = (version: string, isBroken = false) => `#!/usr/bin/env node
const { createServer } = require('node:http')
if (${isBroken}) process.exit(1)
createServer((_, response) => response.end(JSON.stringify(['${version}', process.pid]))).listen(Number(process.argv[2]), '127.0.0.1')
`

/** What looks after it: starts the executable itself, and says whether it has come up. */
const CONTROL = `
const { spawn } = require('node:child_process')
const { readFileSync, writeFileSync } = require('node:fs')
const [action, port] = process.argv.slice(1)
const pid = () => { try { return Number(readFileSync('pid', 'utf8')) } catch { return 0 } }
const isZombie = (id) => { try { return / Z /.test(readFileSync('/proc/' + id + '/stat', 'utf8')) } catch { return false } }
const runs = (id) => { try { return id > 0 && process.kill(id, 0) && !isZombie(id) } catch { return false } }
const pause = () => new Promise((resolve) => setTimeout(resolve, 20))
const answers = () => fetch('http://127.0.0.1:' + port).then((answer) => answer.json(), () => [])
async function stop() {
  if (!runs(pid())) throw new Error('it does not run')
  process.kill(pid(), 'SIGTERM')
  while (runs(pid())) await pause()
}
async function start() {
  const child = spawn('bin/gateway', [port], { detached: true, stdio: 'ignore' })
  writeFileSync('pid', String(child.pid))
  child.once('exit', () => process.exit(1))
  while ((await answers())[1] !== child.pid) await pause()
  process.exit(0)
}
if (action === 'is-running') process.exit(runs(pid()) ? 0 : 1)
const run = async () => { if (action !== 'start') await stop(); if (action !== 'stop') await start() }
void run()
`

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

async function installed(ways: readonly (keyof ServiceHooks)[]) {
  const disk = createNodeDisk(await temporaryDirectory())
  const root = disk.locate('')
  const port = await freePort()
  const hooks = createNodeHooks({ directory: root, environment: process.env, clock: systemClock() })
  const hook = (action: string) => ({
    run: [process.execPath, '-e', CONTROL, action, String(port)] as [string, ...string[]],
    timeoutMs: 600_000,
  })
  const all = { stop: hook('stop'), start: hook('start'), restart: hook('restart'), isRunning: hook('is-running') }
  await mkdir(disk.locate('bin'))
  await writeFile(disk.locate('bin/gateway'), gateway('1'))
  await chmod(disk.locate('bin/gateway'), 0o755)
  onTestFinished(async () => {
    const pid = Number(await readFile(disk.locate('pid'), 'utf8').catch(() => '0'))
    try {
      if (pid > 0) process.kill(pid, 'SIGKILL')
    } catch {
      // It has ended.
    }
  })
  expect(await hooks.run(all.start, {})).toMatchObject({ exitCode: 0 })
  const work = async (text: string) => {
    const found = workOn(
      {
        adapter: binaryAdapter,
        place: { path: 'bin/gateway', service: Object.fromEntries(ways.map((way) => [way, all[way]])) },
        artifact: { format: 'raw', bytes: Buffer.from(text) },
        before: {},
        expectNew: () => undefined,
        hooks: () => hooks,
      },
      disk,
    )
    await disk.makeDirectory('.kit/artifacts')
    await disk.write(found.artifactPath ?? '', Buffer.from(text))
    return found
  }
  const answer = async () => (await (await fetch(`http://127.0.0.1:${port}`)).json()) as [version: string, pid: number]
  return { work, answer }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

const hasEnded = (pid: number) => eventually(() => expect(isRunning(pid)).toBe(false))

describe.skipIf(process.platform === 'win32').each<[string, (keyof ServiceHooks)[]]>([
  ['is stopped and started', ['stop', 'start', 'isRunning']],
  ['is restarted', ['restart', 'isRunning']],
])('a service that %s', (_, ways) => {
  test('runs the new executable in another process, and the old one after the way back', async () => {
    const { work, answer } = await installed(ways)
    const [version, first] = await answer()
    expect(version).toBe('1')
    const next = await work(gateway('2'))
    await binaryAdapter.prepare(next)
    expect(await answer()).toEqual(['1', first])
    await binaryAdapter.apply(next)
    const [newVersion, second] = await answer()
    expect([newVersion, second === first]).toEqual(['2', false])
    await hasEnded(first)
    await binaryAdapter.revert(next)
    const [oldVersion, third] = await answer()
    expect([oldVersion, third === second]).toEqual(['1', false])
    await hasEnded(second)
  })
})

test.skipIf(process.platform === 'win32')('of a new one that does not come up the old one is back', async () => {
  const { work, answer } = await installed(['stop', 'start', 'isRunning'])
  const [, first] = await answer()
  const next = await work(gateway('2', true))
  await binaryAdapter.prepare(next)
  await expect(binaryAdapter.apply(next)).rejects.toMatchObject({ code: 'service-failed' })
  await expect(answer()).rejects.toThrow('fetch failed')
  await hasEnded(first)
  await binaryAdapter.revert(next)
  expect((await answer())[0]).toBe('1')
})
