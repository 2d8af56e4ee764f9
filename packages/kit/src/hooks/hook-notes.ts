import { messageOf, sleep, type ClockPort } from '@hotpatch/device-ground'
import { textFromUtf8, utf8FromText } from '@hotpatch/protocol'
import { makeDurableDirectory } from '../ground/durable-files.ts'
import { isFullDisk } from '../ground/full-disk.ts'
import type { KitDisk } from '../ground/kit-disk.ts'
import { KitError } from '../ground/kit-error.ts'
import { HOOKS_FOLDER } from '../ground/kit-layout.ts'
import { readKnownProcess, type KnownProcess, type ProcessFacts } from '../ground/process-facts.ts'
import { nodeProcessGroups, type KnownGroup, type ProcessGroups } from './process-groups.ts'

/** Kits §3.9: which hooks run, for whoever comes after a coordinator that was killed meanwhile. */
export interface HookNotes {
  /** Before the program is let go, which is the first process of a group of its own. */
  keep(hookId: string, pid: number): Promise<{ forget(): Promise<void> }>
  /** @throws KitError already-running */
  endLeft(): Promise<void>
}

export interface HookNotesOptions {
  disk: KitDisk
  clock: Pick<ClockPort, 'after'>
  process: ProcessFacts
  groups?: ProcessGroups
}

const HOOK_ID = /^[0-9a-f-]{36}$/
const MAX_NOTE_BYTES = 4096
const PAUSE_MS = 50
/** What is asked to end has two seconds for it; what is killed only has to be taken away by the system. */
const STEPS = [
  { signal: 'SIGTERM', looks: 40 },
  { signal: 'SIGKILL', looks: 200 },
] as const

export function createHookNotes({
  disk,
  clock,
  process,
  groups = nodeProcessGroups(process),
}: HookNotesOptions): HookNotes {
  return {
    async keep(hookId, pid) {
      const started = process.startedAt(pid)
      const { started: _, ...own } = process.own
      const note: KnownProcess = { ...own, pid, ...(started !== undefined && { started }) }
      await write(hookId, note)
      // One that cannot be forgotten is of a group that is gone, or is ended once more than it had to be.
      return { forget: () => disk.remove(pathOf(hookId)).catch(() => undefined) }
    },

    async endLeft() {
      for (const name of (await disk.list(HOOKS_FOLDER)) ?? []) {
        if (!HOOK_ID.test(name)) continue
        const note = await read(name)
        if (note) await endIfLeft(note, name)
        await disk.remove(pathOf(name))
      }
    },
  }

  /** Its name need not outlive the power: neither does the program. */
  async function write(hookId: string, note: KnownProcess): Promise<void> {
    try {
      await makeDurableDirectory(disk, HOOKS_FOLDER)
      await disk.write(pathOf(hookId), utf8FromText(JSON.stringify(note)))
    } catch (error) {
      // On the way back services have to start on a full disk, too: that the coordinator is killed as well is rarer.
      if (!isFullDisk(error)) throw error
    }
  }

  /** Undefined of one that says nothing: its program was never let go. */
  async function read(hookId: string): Promise<KnownProcess | undefined> {
    const stat = await disk.stat(pathOf(hookId))
    if (stat?.kind !== 'file' || stat.sizeBytes > MAX_NOTE_BYTES) return undefined
    return readKnownProcess(textFromUtf8((await disk.read(pathOf(hookId))) ?? new Uint8Array()) ?? '')
  }

  async function endIfLeft(note: KnownProcess, hookId: string): Promise<void> {
    if (!process.isSameBoot(note.boot)) return
    // Of another space of process ids nobody can tell from here.
    if (note.space !== process.own.space) throw mayRun(note, hookId)
    const found = groups.find({ ...note, hookId })
    if (found === 'unknown') throw mayRun(note, hookId)
    if (found === 'same') await end({ ...note, hookId })
  }

  async function end(group: KnownGroup): Promise<void> {
    for (const { signal, looks } of STEPS) {
      signalTo(group, signal)
      for (let look = 1; look <= looks; look += 1) {
        const found = groups.find(group)
        // While it is watched its id is nobody else's: what the system no longer says of it is still of the same.
        if (found === 'gone' || found === 'another') return
        await sleep(clock, PAUSE_MS)
      }
    }
    throw mayRun(group, group.hookId)
  }

  function signalTo(group: KnownGroup, signal: 'SIGTERM' | 'SIGKILL'): void {
    try {
      groups.signal(group, signal)
    } catch (cause) {
      throw mayRun(group, group.hookId, cause)
    }
  }
}

const pathOf = (hookId: string) => `${HOOKS_FOLDER}/${hookId}`

function mayRun({ pid }: Pick<KnownProcess, 'pid'>, hookId: string, cause?: unknown): KitError {
  const why = cause === undefined ? '' : ` (${messageOf(cause)})`
  return new KitError(
    'already-running',
    `Expected the hook of a coordinator that was killed to have ended, found its process group ${pid}, or another of this ` +
      `id, which cannot be ended from here${why}. End it, or remove ${pathOf(hookId)} when it has ended for certain; then start again.`,
    { cause },
  )
}
