import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createVirtualClock } from '@hotpatch/client/memory'
import { systemClock } from '@hotpatch/client/node'
import { utf8FromText } from '@hotpatch/protocol'
import { eventually, temporaryDirectory } from '@hotpatch/testkit'
import { describe, expect, onTestFinished, test } from 'vitest'
import { nodeProcess } from '../applying/node-process.ts'
import { makeDurableDirectory } from '../ground/durable-files.ts'
import type { KitDisk } from '../ground/kit-disk.ts'
import { HOOKS_FOLDER } from '../ground/kit-layout.ts'
import { createNodeDisk } from '../ground/node-disk.ts'
import type { KnownProcess } from '../ground/process-facts.ts'
import { createLossyDisk } from '../testing/lossy-disk.ts'
import { createHookNotes } from './hook-notes.ts'
import { createNodeHooks } from './node-hooks.ts'
import type { FoundGroup, ProcessGroups } from './process-groups.ts'

const NODE = process.execPath
const HOOK_ID = '0197f0c2-7f0a-7c3e-9a55-2b1d6f1e8a01'
const HANGS = 'setInterval(() => {}, 1000)'
const own = nodeProcess()

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

async function noteOf(disk: KitDisk, note: Partial<KnownProcess> | string): Promise<void> {
  await makeDurableDirectory(disk, HOOKS_FOLDER)
  await disk.write(`${HOOKS_FOLDER}/${HOOK_ID}`, utf8FromText(typeof note === 'string' ? note : JSON.stringify(note)))
}

describe.skipIf(process.platform === 'win32')('processes of this machine', () => {
  /** A group of its own, which this process ends whatever becomes of the test. */
  async function aGroup(script: string, environment: Record<string, string> = {}) {
    const cwd = await temporaryDirectory()
    const child = spawn(NODE, ['-e', script], { cwd, detached: true, stdio: 'ignore', env: environment })
    const exited = once(child, 'exit')
    onTestFinished(async () => {
      killGroup(child)
      await exited
    })
    return { child, cwd, exited, pid: child.pid ?? 0 }
  }

  function killGroup({ pid = 0 }: ChildProcess): void {
    try {
      process.kill(-pid, 'SIGKILL')
    } catch {
      // It has ended.
    }
  }

  const pidIn = (folder: string, name: string) =>
    eventually(async () => {
      const pid = Number(await readFile(join(folder, name), 'utf8'))
      expect(pid).toBeGreaterThan(0)
      return pid
    })

  async function kept() {
    const disk = createNodeDisk(await temporaryDirectory())
    return { disk, notes: createHookNotes({ disk, clock: systemClock(), process: own }) }
  }

  test('one that was noted is ended with what it has started, even if neither wants to', async () => {
    const { disk, notes } = await kept()
    const child = `process.on('SIGTERM', () => {}); require('node:fs').writeFileSync('child', String(process.pid)); ${HANGS}`
    const group = await aGroup(
      `process.on('SIGTERM', () => {}); require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(child)}]); ${HANGS}`,
    )
    await notes.keep(HOOK_ID, group.pid)
    const grandchild = await pidIn(group.cwd, 'child')
    await notes.endLeft()
    await group.exited
    await eventually(() => expect(isRunning(grandchild)).toBe(false))
    expect(await disk.list(HOOKS_FOLDER)).toEqual([])
  })

  test.skipIf(process.platform !== 'linux')('what its first process has left is ended as well', async () => {
    const { notes } = await kept()
    const child = `require('node:fs').writeFileSync('child', String(process.pid)); ${HANGS}`
    const group = await aGroup(
      `require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(child)}], { stdio: 'ignore' }).unref(); ${HANGS}`,
      { HOTPATCH_KIT_HOOK: HOOK_ID },
    )
    await notes.keep(HOOK_ID, group.pid)
    const grandchild = await pidIn(group.cwd, 'child')
    group.child.kill('SIGKILL')
    await group.exited
    expect(isRunning(grandchild)).toBe(true)
    await notes.endLeft()
    await eventually(() => expect(isRunning(grandchild)).toBe(false))
  })

  test.skipIf(process.platform !== 'linux')('another process that has its id now is left alone', async () => {
    const { disk, notes } = await kept()
    const group = await aGroup(HANGS)
    await noteOf(disk, { ...own.own, pid: group.pid, started: '1' })
    await notes.endLeft()
    expect(isRunning(group.pid)).toBe(true)
    expect(await disk.list(HOOKS_FOLDER)).toEqual([])
  })

  test.skipIf(process.platform !== 'linux')('of one that nobody can tell from it, people are told', async () => {
    const { disk, notes } = await kept()
    const group = await aGroup(HANGS)
    const { started: _, ...withoutStart } = own.own
    await noteOf(disk, { ...withoutStart, pid: group.pid })
    await expect(notes.endLeft()).rejects.toMatchObject({
      code: 'already-running',
      message: expect.stringContaining(`${HOOKS_FOLDER}/${HOOK_ID}`),
    })
    expect(isRunning(group.pid)).toBe(true)
  })

  test('a program is noted while it runs, and then no more', async () => {
    const { disk, notes } = await kept()
    const directory = disk.locate('')
    const hooks = createNodeHooks({ directory, environment: process.env, clock: systemClock(), notes })
    const look = `console.log(JSON.stringify([process.pid, require('node:fs').readdirSync('${HOOKS_FOLDER}'), process.env.HOTPATCH_KIT_HOOK]))`
    const { output } = await hooks.run({ run: [NODE, '-e', look], timeoutMs: 60_000 }, {})
    const [pid, noted, hookId] = JSON.parse(output) as [number, string[], string]
    expect(pid).toBeGreaterThan(0)
    expect(noted).toEqual([hookId])
    expect(await disk.list(HOOKS_FOLDER)).toEqual([])
  })

  test('one that cannot be noted is not let go', async () => {
    const { disk, notes } = await kept()
    const failing = { ...notes, keep: () => Promise.reject(new Error('the disk is gone')) }
    const directory = disk.locate('')
    const hooks = createNodeHooks({ directory, environment: process.env, clock: systemClock(), notes: failing })
    const run = hooks.run({ run: [NODE, '-e', 'require("node:fs").writeFileSync("ran", "")'], timeoutMs: 60_000 }, {})
    await expect(run).rejects.toThrow('the disk is gone')
    expect(await disk.stat('ran')).toBeUndefined()
  })
})

describe('a note', () => {
  const clock = createVirtualClock({ whenIdle: setImmediate })

  /** Groups of a machine where nothing ends unless it is told so. */
  function groupsThatAre(found: FoundGroup, endsBy: readonly string[] = []) {
    const signals: string[] = []
    const groups: ProcessGroups = {
      find: () => (signals.some((signal) => endsBy.includes(signal)) ? 'gone' : found),
      signal: (_, signal) => void signals.push(signal),
    }
    return { signals, groups }
  }

  const notesOn = (disk: KitDisk, groups: ProcessGroups) => createHookNotes({ disk, clock, process: own, groups })

  test.each<[string, Partial<KnownProcess> | string]>([
    ['of a start of the machine before', { ...own.own, boot: 'another' }],
    ['that is torn', '{"pid":12'],
    ['that is no note', '[]'],
    ['of everybody', { ...own.own, pid: 0 }],
  ])('one %s ends nothing', async (_, note) => {
    const disk = createLossyDisk()
    const { groups, signals } = groupsThatAre('same')
    await noteOf(disk, note)
    await notesOn(disk, groups).endLeft()
    expect(signals).toEqual([])
    expect(await disk.list(HOOKS_FOLDER)).toEqual([])
  })

  test('of another space of process ids is for people', async () => {
    const disk = createLossyDisk()
    const { groups, signals } = groupsThatAre('same', ['SIGTERM'])
    await noteOf(disk, { ...own.own, space: 'elsewhere' })
    await expect(notesOn(disk, groups).endLeft()).rejects.toMatchObject({ code: 'already-running' })
    expect(signals).toEqual([])
  })

  test.each([
    ['that ends when it is asked', ['SIGTERM'], ['SIGTERM']],
    ['that has to be killed', ['SIGKILL'], ['SIGTERM', 'SIGKILL']],
  ])('one %s', async (_, endsBy, expected) => {
    const disk = createLossyDisk()
    const { groups, signals } = groupsThatAre('same', endsBy)
    await noteOf(disk, own.own)
    await notesOn(disk, groups).endLeft()
    expect(signals).toEqual(expected)
  })

  test('one that nothing ends is for people, and stays noted', async () => {
    const disk = createLossyDisk()
    const { groups } = groupsThatAre('same')
    await noteOf(disk, own.own)
    await expect(notesOn(disk, groups).endLeft()).rejects.toMatchObject({ code: 'already-running' })
    expect(await disk.list(HOOKS_FOLDER)).toEqual([HOOK_ID])
  })

  test('a full disk keeps no service from being started', async () => {
    const disk = createLossyDisk({ fullAt: 1 })
    const { forget } = await notesOn(disk, groupsThatAre('gone').groups).keep(HOOK_ID, process.pid)
    await forget()
    expect(await disk.list(HOOKS_FOLDER)).toBeUndefined()
  })
})
