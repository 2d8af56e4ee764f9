import { textFromUtf8, utf8FromText } from '@hotpatch/protocol'
import type { ClockPort } from '@hotpatch/device-ground'
import type { KitDisk } from '../ground/kit-disk.ts'
import { inTheWay } from '../ground/durable-files.ts'
import { LOGS_FOLDER } from '../ground/kit-files.ts'

/** Kits §9: every check and every apply, for people. It decides nothing. */
export interface KitLogEntry {
  /** ISO 8601. */
  at: string
  event: string
  [fact: string]: unknown
}

const LOG_FILE = `${LOGS_FOLDER}/kit.ndjson`
const BEFORE_FILE = `${LOGS_FOLDER}/kit.1.ndjson`
const MAX_LOG_BYTES = 1024 * 1024
const MAX_LINE_BYTES = 8 * 1024

/** Only ever written at its end; one file before it is kept. Nothing fails because of a log. */
export function createKitLog({ disk, clock }: { disk: KitDisk; clock: Pick<ClockPort, 'now'> }) {
  async function write(event: string, facts: Readonly<Record<string, unknown>> = {}): Promise<void> {
    try {
      const entry = JSON.stringify({ at: new Date(clock.now()).toISOString(), event, ...facts })
      const line = utf8FromText(entry.length > MAX_LINE_BYTES ? cut(event, entry, clock) : `${entry}\n`)
      await disk.makeDirectory(LOGS_FOLDER)
      let offset = (await disk.stat(LOG_FILE))?.sizeBytes ?? 0
      if (offset + line.length > MAX_LOG_BYTES) {
        await disk.rename(LOG_FILE, BEFORE_FILE)
        offset = 0
      }
      await disk.append(LOG_FILE, offset, line)
    } catch {
      // A full disk: what is done must go on.
    }
  }

  /** The last entries, the oldest first. A line that was torn by a power cut is passed over. */
  async function read(limit: number): Promise<KitLogEntry[]> {
    const files = [await readFile(BEFORE_FILE), await readFile(LOG_FILE)]
    const lines = files.flatMap((bytes) => (textFromUtf8(bytes ?? new Uint8Array()) ?? '').split('\n'))
    return lines.flatMap(entryOf).slice(-limit)
  }

  async function readFile(path: string): Promise<Uint8Array | undefined> {
    const found = await disk.stat(path)
    if (found && found.kind !== 'file') throw inTheWay('a file, or nothing,', path, found.kind)
    return disk.read(path)
  }

  return { write, read }
}

export type KitLog = ReturnType<typeof createKitLog>

function cut(event: string, entry: string, clock: Pick<ClockPort, 'now'>): string {
  return `${JSON.stringify({ at: new Date(clock.now()).toISOString(), event, cut: entry.slice(0, MAX_LINE_BYTES / 4) })}\n`
}

function entryOf(line: string): KitLogEntry[] {
  if (line === '') return []
  try {
    const entry = JSON.parse(line) as Partial<KitLogEntry> | null
    return typeof entry?.at === 'string' && typeof entry.event === 'string' ? [entry as KitLogEntry] : []
  } catch {
    // Torn.
    return []
  }
}
