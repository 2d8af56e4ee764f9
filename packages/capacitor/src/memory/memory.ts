import { type ClockPort, within } from '@hotpatch/device-ground'
import type { BrokenBundle } from '../decision/decide-bundle.ts'
import type { StoragePort } from '../ground/ports.ts'

/** A bundle of the plugin, by which it is known again at the next start. */
export interface KnownBundle {
  id: string
  version: string
  checksum: string
}

/** What happened to a bundle, in the vocabulary of Events §1. */
export interface WaitingEvent {
  id: string
  kind: 'downloaded' | 'download-failed' | 'applied' | 'confirmed' | 'failed' | 'rolled-back'
  version: string
  code?: string
  detail?: string
  occurredAt: number
}

/** What the updater knows beyond the end of the process. */
export interface Remembered {
  /** A new shell has its own bundle, and may run what the last one could not. */
  nativeVersion: string
  broken: readonly BrokenBundle[]
  /** Ids of bundles whose switch failed: never used again. */
  spoiled: readonly string[]
  /** Ids of what was downloaded here, to be tidied up. */
  downloaded: readonly string[]
  /** Written down before a switch: whoever runs next knows what became of it. */
  switching: KnownBundle | null
  events: readonly WaitingEvent[]
}

const KEY = 'hotpatch.web-bundle'
const NOTHING: Remembered = { nativeVersion: '', broken: [], spoiled: [], downloaded: [], switching: null, events: [] }

export type Memory = ReturnType<typeof createMemory>

/** A storage that fails is no reason to fail: then it is known until the process ends. */
export function createMemory({
  storage,
  clock,
  timeoutMs,
}: {
  storage: StoragePort
  clock: ClockPort
  timeoutMs: number
}) {
  let remembered = NOTHING
  let loading: Promise<void> | undefined
  let writing: Promise<void> = Promise.resolve()

  function load(): Promise<void> {
    loading ??= read()
    return loading
  }

  async function read(): Promise<void> {
    try {
      const text = await within(clock, { ms: timeoutMs, what: 'the storage' }, storage.get(KEY))
      remembered = readRemembered(JSON.parse(text ?? 'null'))
    } catch {
      // Unreadable, or written by another version: it begins anew.
    }
  }

  /** One after the other, so that what is stored last is what is known last. */
  function change(next: Partial<Remembered>): Promise<void> {
    remembered = { ...remembered, ...next }
    writing = writing.then(async () => {
      try {
        const write = storage.set(KEY, JSON.stringify(remembered))
        await within(clock, { ms: timeoutMs, what: 'the storage' }, write)
      } catch {
        // In memory it holds.
      }
    })
    return writing
  }

  return { load, change, current: () => remembered }
}

function readRemembered(json: unknown): Remembered {
  const { nativeVersion, broken, spoiled, downloaded, switching, events } = objectOf(json)
  return {
    nativeVersion: typeof nativeVersion === 'string' ? nativeVersion : '',
    broken: listOf(broken, isBundle),
    spoiled: listOf(spoiled, isText),
    downloaded: listOf(downloaded, isText),
    switching: isBundle(switching) && isText(objectOf(switching).id) ? (switching as KnownBundle) : null,
    events: listOf(events, isEvent),
  }
}

function objectOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

function listOf<T>(value: unknown, isOne: (item: unknown) => item is T): T[] {
  return Array.isArray(value) ? value.filter(isOne) : []
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

function isBundle(value: unknown): value is BrokenBundle {
  const { version, checksum } = objectOf(value)
  return isText(version) && isText(checksum)
}

function isEvent(value: unknown): value is WaitingEvent {
  const { id, kind, version, occurredAt } = objectOf(value)
  return isText(id) && isText(kind) && isText(version) && typeof occurredAt === 'number'
}
