import { utf8FromText } from '@hotpatch/protocol'
import type { ClockPort, HttpPort } from '@hotpatch/device-ground'
import type { Engine } from '../../engine/engine.ts'
import { createEngine } from '../../engine/react-native-engine.ts'
import { jsonFromUtf8 } from '../../ground/bytes.ts'
import type { EmbeddedFilesPort, HostPort } from '../../ground/ports.ts'
import { createMemoryFiles, type MemoryFiles } from '../../memory/memory-files.ts'
import { createVirtualClock } from '../../memory/virtual-clock.ts'
import { createNodeCrypto } from '../../node/node-crypto.ts'
import { createNodeEncryption } from '../../node/node-encryption.ts'
import { unpackBrotli } from '../../node/unpack-brotli.ts'
import type { Launch } from '../../recovery/launch.ts'
import { MARKER } from '../../state/storage-layout.ts'
import { sha256Of } from '../publisher.ts'
import type { ScenarioAction, ScenarioBody, ScenarioDevice, ScenarioObservation } from './scenario.ts'

export const BEGINNING = Date.UTC(2026, 0, 1)

export type Life = ReturnType<typeof createLife>

/** One device of a scenario: its disk outlives its processes, and everything that it cannot know is always the same. */
export function createLife(
  device: ScenarioDevice,
  bytesOf: (name: string) => Uint8Array,
  networkOn: (clock: ClockPort) => HttpPort,
) {
  const clock = createVirtualClock({ whenIdle: setImmediate, startAt: BEGINNING })
  const http = networkOn(clock)
  let disk: MemoryFiles = createMemoryFiles()
  let host: Record<string, unknown> = { ...device.host }
  let config = device.config
  let embedded = device.embedded ?? null
  let free: number | null = null
  let ids = 0
  let restarts = 0
  let states: string[] = []
  let events: unknown[] = []
  let engine: Engine | undefined

  const crypto = {
    ...createNodeCrypto(),
    randomUuid: () => {
      ids += 1
      return `id-${ids}`
    },
  }

  function newEngine(): Engine {
    const created = createEngine(
      {
        files: { ...disk, freeBytes: async () => free ?? undefined },
        http,
        crypto,
        clock,
        host: { ...told(host), restart: () => void (restarts += 1) } as unknown as HostPort,
        ...(device.brotli !== false && { unpackBrotli }),
        ...(device.encryption !== false && { encryption: createNodeEncryption() }),
        ...(embedded && { embeddedFiles: embeddedFiles(embedded, bytesOf) }),
      },
      { ...config, ...(device.limits && { limits: device.limits }) },
    )
    created.subscribe((event) => {
      if (event.type === 'state') states.push(event.state)
      if (event.type === 'patch-failed')
        events.push({ type: event.type, reason: event.reason, releaseId: event.releaseId })
      if (event.type === 'downloaded') events.push({ ...event })
      if (event.type === 'edge-refused') events.push({ type: event.type, code: event.code })
      if (event.type === 'report-dropped') events.push({ type: event.type, eventId: event.report.eventId })
    })
    return created
  }

  function running(): Engine {
    if (!engine) throw new Error('a scenario begins with boot')
    return engine
  }

  async function act(action: ScenarioAction): Promise<ScenarioObservation> {
    switch (action.do) {
      case 'boot':
        engine = newEngine()
        return { launch: launchOf(await engine.start({ inBackground: action.inBackground ?? false })) }
      case 'confirm': {
        const result = await running().confirm()
        // It begins to tell of it: that is waited for.
        await running().flushReports()
        return { result }
      }
      case 'rollBack':
        return { result: await running().rollBack() }
      case 'crashed':
        await running().crashed()
        return {}
      case 'flushReports':
        await running().flushReports()
        return {}
      case 'check':
      case 'download':
      case 'sync': {
        const { error: _, ...outcome } = { error: undefined, ...(await running()[action.do]()) }
        return { outcome }
      }
      case 'wait':
        await new Promise<void>((resolve) => void clock.after(action.ms, resolve))
        return {}
      case 'setClock':
        clock.set(action.byMs)
        return {}
      case 'host':
        host = { ...host, ...action.change }
        return {}
      case 'embedded':
        embedded = action.shipped
        return {}
      case 'config':
        config = { ...config, ...action.change }
        return {}
      case 'write':
        await write(action.path, bytesOf(action.body))
        return {}
      case 'remove':
        await disk.remove(action.path)
        return {}
      case 'fullDisk':
        disk.arrange(action.isFull ? { fullAt: 1 } : {})
        return {}
      case 'freeBytes':
        free = action.bytes
        return {}
      case 'powerCut':
        disk = disk.cutPower(action.survives === 'nothing' ? 'worst' : 'best')
        return {}
    }
  }

  /** Durably, as if it had always been there. */
  async function write(path: string, bytes: Uint8Array): Promise<void> {
    const names = path.split('/').slice(0, -1)
    const parents = names.map((_, index) => names.slice(0, index + 1).join('/'))
    for (const parent of parents) await disk.makeDirectory(parent)
    await disk.write(path, bytes)
    for (const parent of ['', ...parents]) await disk.syncDirectory(parent)
  }

  async function perform(action: ScenarioAction): Promise<ScenarioObservation & { operations: readonly string[] }> {
    const [from, restartsBefore] = [disk.log(), restarts]
    const countBefore = from.length
    states = []
    events = []
    const seen = await act(action)
    const log = disk.log()
    return {
      ...seen,
      ...(states.length > 0 && { states }),
      ...(events.length > 0 && { events }),
      ...(restarts > restartsBefore && { restarts: restarts - restartsBefore }),
      operations: log === from ? log.slice(countBefore) : log,
    }
  }

  return {
    clock,
    disk: () => disk,
    perform,
    /** As vectors/README.md has it; undefined before the first process. */
    status() {
      if (!engine) return undefined
      const status = engine.status()
      return { ...status, running: launchOf(status.running) }
    },
    files: () => filesOf(disk),
  }
}

/** Null is not told. */
function told(host: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(host).filter(([, value]) => value !== null))
}

function embeddedFiles(shipped: Record<string, string>, bytesOf: (name: string) => Uint8Array): EmbeddedFilesPort {
  return {
    list: async () => Object.entries(shipped).map(([path, name]) => ({ path, sizeBytes: bytesOf(name).length })),
    async readRange(path, offset, length) {
      const name = shipped[path]
      if (name === undefined) throw new Error(`there is no ${path} in the binary`)
      return bytesOf(name).slice(offset, offset + length)
    },
  }
}

function launchOf(launch: Launch) {
  if (launch.kind === 'embedded') return { kind: 'embedded' as const }
  const { kind, directory, releaseId, version } = launch
  return { kind, slot: directory.replace('/memory/ota/', ''), releaseId, version }
}

const OWN_JSON =
  /^ota\/(?:metadata|crash_count|outbox|embedded|credential|edge|pending\/download|pending\/patch)\.json$/

/** Everything below ota/: the engine's own files as JSON, if they are that, all others by their digest. */
function filesOf(disk: MemoryFiles): Record<string, unknown> {
  const files = [...(disk.tree('ota') ?? [])].map(([path, bytes]) => [`ota/${path}`, bytes] as const)
  return Object.fromEntries(
    files
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([path, bytes]) => {
        const isOwn = OWN_JSON.test(path) || path.endsWith(`/${MARKER}`)
        const json = isOwn ? jsonFromUtf8(bytes) : undefined
        return [path, json === undefined ? sha256Of(bytes) : { json }]
      }),
  )
}

export function bytesOfBody(body: ScenarioBody): Uint8Array {
  if ('json' in body) return utf8FromText(JSON.stringify(body.json))
  if ('text' in body) return utf8FromText(body.text)
  return 'zeros' in body ? new Uint8Array(body.zeros) : new Uint8Array(Buffer.from(body.base64, 'base64'))
}
