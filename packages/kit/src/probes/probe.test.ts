import { once } from 'node:events'
import { createServer as createHttpServer, type RequestListener } from 'node:http'
import { createServer as createTcpServer, type AddressInfo, type Server } from 'node:net'
import { createVirtualClock } from '@hotpatch/client/memory'
import { createNodeHttp, systemClock } from '@hotpatch/client/node'
import { createStop } from '@hotpatch/device-ground'
import type { KitProbe } from '@hotpatch/protocol'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { HooksPort } from '../ground/hooks.ts'
import type { InstalledPlace } from '../installation/installation.ts'
import { createNodeTcp } from './node-tcp.ts'
import { expectWell, probeComponent, probeKit, type ProbePorts } from './probe.ts'

const noHooks: HooksPort = { run: () => expect.unreachable() }
const hooksEnding = (...exitCodes: number[]): HooksPort => ({
  run: async () => ({ exitCode: exitCodes.shift() ?? 0, output: 'output' }),
})
const asked = (more: Partial<KitProbe> & Pick<KitProbe, 'type'>): KitProbe => ({
  attempts: 3,
  intervalMs: 1,
  timeoutMs: 60_000,
  ...more,
})

function probe(probed: KitProbe | undefined, place: Partial<InstalledPlace>, ports: Partial<ProbePorts> = {}) {
  const all = { http: createNodeHttp(), tcp: createNodeTcp(), hooks: noHooks, clock: systemClock(), ...ports }
  const component = { id: 'gateway', version: '2.0.0', ...(probed && { probe: probed }) }
  return probeComponent(component, { components: { gateway: { path: 'gateway', ...place } } }, { ports: all })
}

async function listen(server: Server): Promise<{ url: string; address: { host: string; port: number } }> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
    if ('closeAllConnections' in server) (server as ReturnType<typeof createHttpServer>).closeAllConnections()
  })
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, address: { host: '127.0.0.1', port } }
}

const answering = (listener: RequestListener) => listen(createHttpServer(listener))

describe('http', () => {
  test('is asked at its own address, below the path of the installation', async () => {
    const paths: (string | undefined)[] = []
    const { url } = await answering(({ url: path }, response) => {
      paths.push(path)
      response.end('fine')
    })
    const result = await probe(asked({ type: 'http', path: '/healthz?deep=1' }), { probe: { url: `${url}/app/` } })
    expect(result).toEqual({ kind: 'well', attempts: 1 })
    expect(paths).toEqual(['/app/healthz?deep=1'])
  })

  test('is tried again until it answers well', async () => {
    let count = 0
    const { url } = await answering((_, response) => response.writeHead((count += 1) < 3 ? 503 : 204).end())
    expect(await probe(asked({ type: 'http', path: '/' }), { probe: { url } })).toEqual({ kind: 'well', attempts: 3 })
  })

  test('an answer that is another than expected, with the beginning of what it says', async () => {
    const { url } = await answering((_, response) => response.writeHead(200).end('<b>maintenance\u001b</b>'))
    const result = await probe(asked({ type: 'http', path: '/', status: 401 }), { probe: { url } })
    expect(result).toEqual({
      kind: 'ill',
      attempts: 3,
      reason: `${url}/ answered 200, expected 401: <b>maintenance </b>`,
    })
    expect(() => expectWell(result, 'gateway')).toThrow(/Expected gateway to work/)
  })

  test('a redirect is not followed, and is no good answer', async () => {
    let count = 0
    const { url } = await answering((_, response) => {
      count += 1
      response.writeHead(302, { location: '/well' }).end()
    })
    expect(await probe(asked({ type: 'http', path: '/' }), { probe: { url } })).toMatchObject({ kind: 'ill' })
    expect(count).toBe(3)
  })

  test('a body without an end is not read to its end', async () => {
    const { url } = await answering((_, response) => {
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(16_384)));
      }
      response.on('drain', more)
      more()
    })
    expect(await probe(asked({ type: 'http', path: '/' }), { probe: { url } })).toEqual({ kind: 'well', attempts: 1 })
  })

  test('one that hangs ends', async () => {
    const { url } = await answering(() => undefined)
    const clock = createVirtualClock({ whenIdle: (run) => void setImmediate(run) })
    const result = await probe(asked({ type: 'http', path: '/' }), { probe: { url } }, { clock })
    expect(result).toEqual({ kind: 'ill', attempts: 3, reason: 'no answer within 60000 ms' })
    expect(clock.waits()).toEqual([60_000, 1, 60_000, 1, 60_000])
  })
})

describe('tcp', () => {
  test('somebody takes the connection', async () => {
    const { address } = await listen(createTcpServer((socket) => socket.destroy()))
    expect(await probe(asked({ type: 'tcp' }), { probe: { address } })).toEqual({ kind: 'well', attempts: 1 })
  })

  test('nobody does', async () => {
    const server = createTcpServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    server.close()
    await once(server, 'close')
    const result = await probe(asked({ type: 'tcp' }), { probe: { address: { host: '127.0.0.1', port } } })
    expect(result).toMatchObject({ kind: 'ill', attempts: 3, reason: expect.stringContaining('ECONNREFUSED') })
  })

  test('one that hangs ends', async () => {
    let closed = 0
    const tcp = { open: () => ({ connected: new Promise<void>(() => {}), close: () => void (closed += 1) }) }
    const clock = createVirtualClock({ whenIdle: (run) => void setImmediate(run) })
    const place = { probe: { address: { host: '127.0.0.1', port: 1 } } }
    expect(await probe(asked({ type: 'tcp' }), place, { tcp, clock })).toMatchObject({ kind: 'ill', attempts: 3 })
    expect(closed).toBe(3)
  })
})

const check = { run: ['check'] as [string], timeoutMs: 1_000 }

test.each([
  ['hook', { probe: { hook: check } }],
  ['service', { service: { isRunning: check } }],
] as const)('%s: until it ends with 0', async (type, place) => {
  expect(await probe(asked({ type }), place, { hooks: hooksEnding(1, 1, 0) })).toEqual({ kind: 'well', attempts: 3 })
  expect(await probe(asked({ type }), place, { hooks: hooksEnding(1, 1, 1) })).toMatchObject({
    kind: 'ill',
    attempts: 3,
  })
})

test.each(['http', 'tcp', 'hook', 'service'] as const)('%s: what cannot be asked here is ill at once', async (type) => {
  const path = type === 'http' ? { path: '/' } : {}
  expect(await probe(asked({ type, ...path }), {})).toMatchObject({
    kind: 'ill',
    attempts: 1,
    reason: expect.stringContaining('kit.json'),
  })
})

test('without a probe of the release the hook of the installation is asked, and without both nobody', async () => {
  expect(await probe(undefined, { probe: { hook: check } }, { hooks: hooksEnding(0) })).toMatchObject({ kind: 'well' })
  expect(await probe(undefined, {})).toEqual({ kind: 'unasked' })
})

test('the whole kit is asked where the installation says', async () => {
  const { url } = await answering((_, response) => response.end())
  const ports = { http: createNodeHttp(), tcp: createNodeTcp(), hooks: noHooks, clock: systemClock() }
  const manifest = { releaseId: '2', probe: asked({ type: 'http', path: '/' }) }
  expect(await probeKit(manifest, { probe: { url } }, { ports })).toEqual({ kind: 'well', attempts: 1 })
})

test('what is stopped is not asked again', async () => {
  const stopped = createStop()
  const hooks: HooksPort = {
    async run() {
      stopped.stop()
      return { exitCode: 1, output: '' }
    },
  }
  const ports = { http: createNodeHttp(), tcp: createNodeTcp(), hooks, clock: systemClock() }
  const manifest = { releaseId: '2', probe: asked({ type: 'hook', attempts: 60, intervalMs: 60_000 }) }
  const result = await probeKit(manifest, { probe: { hook: check } }, { ports, stopped })
  expect(result).toEqual({ kind: 'stopped' })
  expect(() => expectWell(result)).toThrow(expect.objectContaining({ code: 'stopped' }))
})
