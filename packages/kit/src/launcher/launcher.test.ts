import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { assert, constantFrom, integer, array, property } from 'fast-check'
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import {
  beforeStart,
  COORDINATOR_ENTRY,
  COORDINATOR_VERSIONS,
  goBack,
  hasFailedAtOnce,
  launch,
  MAX_PROBATION_STARTS,
  POINTER_FILE,
  readPointer,
  writePointer,
  type CoordinatorPointer,
  type CoordinatorVersion,
  type Ended,
} from './launcher.ts'

const OLD: CoordinatorVersion = { version: '1.0.0', sha256: 'a'.repeat(64) }
const NEW: CoordinatorVersion = { version: '2.0.0', sha256: 'b'.repeat(64) }
const ON_PROBATION: CoordinatorPointer = { current: NEW, previous: OLD, probation: { starts: 0 }, failed: [] }
const WELL: Ended = { exitCode: 0, signal: null, afterMs: 5 }
const BROKEN: Ended = { exitCode: 1, signal: null, afterMs: 5 }

/** A launcher without processes: what each coordinator does is said. */
function launcherOf(
  pointer: CoordinatorPointer | undefined,
  ends: (version: CoordinatorVersion | null) => Ended,
  gone: readonly CoordinatorVersion[] = [],
  isFull = false,
) {
  let kept = pointer && writePointer(pointer)
  const started: (string | undefined)[] = []
  const complaints: string[] = []
  return {
    started,
    complaints,
    pointer: () => readPointer(kept),
    excuse: () => void (kept = writePointer({ ...readPointer(kept), probation: { starts: 0 } })),
    confirm: () => void (kept = writePointer({ ...readPointer(kept), probation: null })),
    start: () =>
      launch({
        read: () => kept,
        write(written) {
          if (isFull) throw new Error('ENOSPC: no space left on device, write')
          kept = written
        },
        entryOf: (version) =>
          gone.some(({ sha256 }) => sha256 === version?.sha256) ? undefined : (version?.version ?? 'base'),
        async run(entry, version) {
          started.push(entry)
          return ends(version)
        },
        complain: (complaint) => complaints.push(complaint),
      }),
  }
}

describe('which coordinator is started', () => {
  test('without a pointer the installed one', async () => {
    const launcher = launcherOf(undefined, () => WELL)
    expect(await launcher.start()).toBe(0)
    expect(launcher.started).toEqual(['base'])
  })

  test(`a new one ${MAX_PROBATION_STARTS} times, and then the one before`, async () => {
    const launcher = launcherOf(ON_PROBATION, () => WELL)
    for (let time = 0; time <= MAX_PROBATION_STARTS; time += 1) await launcher.start()
    expect(launcher.started).toEqual(['2.0.0', '2.0.0', '2.0.0', '1.0.0'])
    expect(launcher.pointer()).toEqual({ current: OLD, previous: null, probation: null, failed: [NEW.sha256] })
    expect(launcher.complaints).toEqual([
      'Version 2.0.0 of the coordinator never confirmed itself: back to version 1.0.0.',
    ])
  })

  test('on a disk that takes nothing the one before, for that time alone', async () => {
    const launcher = launcherOf(ON_PROBATION, () => WELL, [], true)
    expect(await launcher.start()).toBe(0)
    expect(launcher.started).toEqual(['1.0.0'])
    expect(launcher.pointer()).toEqual(ON_PROBATION)
    const gone = launcherOf(ON_PROBATION, () => BROKEN, [OLD, NEW], true)
    expect(await gone.start()).toBe(1)
    expect(gone.started).toEqual(['base'])
  })

  test('one that has confirmed itself for ever, however it ends', async () => {
    const launcher = launcherOf(ON_PROBATION, () => BROKEN)
    launcher.confirm()
    for (let time = 0; time < 10; time += 1) expect(await launcher.start()).toBe(1)
    expect(new Set(launcher.started)).toEqual(new Set(['2.0.0']))
  })

  test('one that ends with an error at once is followed by the one before, which is asked the same', async () => {
    const launcher = launcherOf(ON_PROBATION, (version) =>
      version === NEW || version?.sha256 === NEW.sha256 ? BROKEN : WELL,
    )
    expect(await launcher.start()).toBe(0)
    expect(launcher.started).toEqual(['2.0.0', '1.0.0'])
    expect(launcher.pointer().current).toEqual(OLD)
  })

  test('nobody goes back twice: the exit code is that of the last one', async () => {
    const launcher = launcherOf({ ...ON_PROBATION, previous: null }, () => BROKEN)
    expect(await launcher.start()).toBe(1)
    expect(launcher.started).toEqual(['2.0.0', 'base'])
  })

  test('neither it nor the one before is there: the installed one, at once', async () => {
    const launcher = launcherOf(ON_PROBATION, () => WELL, [NEW, OLD])
    expect(await launcher.start()).toBe(0)
    expect(launcher.started).toEqual(['base'])
    const failing = launcherOf(ON_PROBATION, (version) => (version === null ? WELL : BROKEN), [OLD])
    expect(await failing.start()).toBe(0)
    expect(failing.started).toEqual(['2.0.0', 'base'])
  })

  test('one that reached nobody, and says so, is neither gone back from nor counted', async () => {
    const launcher = launcherOf(ON_PROBATION, () => {
      launcher.excuse()
      return BROKEN
    })
    for (let time = 0; time < 10; time += 1) expect(await launcher.start()).toBe(1)
    expect(new Set(launcher.started)).toEqual(new Set(['2.0.0']))
    expect(launcher.pointer()).toEqual(ON_PROBATION)
  })

  test('one that confirms itself and then says that something did not work stays', async () => {
    const launcher = launcherOf(ON_PROBATION, () => {
      launcher.confirm()
      return BROKEN
    })
    expect(await launcher.start()).toBe(1)
    expect(launcher.started).toEqual(['2.0.0'])
    expect(launcher.pointer()).toMatchObject({ current: NEW, probation: null })
  })

  test.each([
    ['exit code 0', WELL, false],
    ['exit code 1', BROKEN, true],
    ['wrong usage', { ...BROKEN, exitCode: 2 }, false],
    ['a crash', { exitCode: null, signal: 'SIGSEGV', afterMs: 5 }, true],
    ['Ctrl-C', { exitCode: null, signal: 'SIGINT', afterMs: 5 }, false],
    ['a machine that goes down', { exitCode: null, signal: 'SIGTERM', afterMs: 5 }, false],
    ['kill -9', { exitCode: null, signal: 'SIGKILL', afterMs: 5 }, false],
    ['an error after a while', { ...BROKEN, afterMs: 60_000 }, false],
  ] as [string, Ended, boolean][])('%s', (_what, ended, expected) => {
    expect(hasFailedAtOnce(ended)).toBe(expected)
  })
})

describe('the pointer', () => {
  test.each([
    ['nothing', undefined],
    ['no JSON', '{"schema_version":1,'],
    ['another schema', writePointer(ON_PROBATION).replace('"schema_version": 1', '"schema_version": 2')],
    ['a path', writePointer(ON_PROBATION).replaceAll(NEW.sha256, '../../evil')],
    ['no object', 'null'],
    ['too much', `${writePointer(ON_PROBATION)}${' '.repeat(20_000)}`],
  ])('%s is the installed one', (_what, damaged) => {
    expect(readPointer(damaged).current).toBeNull()
  })

  test('is read as it was written', () => expect(readPointer(writePointer(ON_PROBATION))).toEqual(ON_PROBATION))

  test('starts that are no number have been enough', () => {
    const damaged = readPointer(writePointer(ON_PROBATION).replace('"starts": 0', '"starts": "0"'))
    expect(beforeStart(damaged)).toEqual(goBack(ON_PROBATION))
  })

  test('whatever happens, an unconfirmed one is started a bounded number of times in a row, and never again', () => {
    const ends = constantFrom<Ended>(
      WELL,
      BROKEN,
      { ...WELL, signal: 'SIGKILL', exitCode: null },
      { ...BROKEN, exitCode: 2 },
    )
    const life = array(ends, { minLength: 1, maxLength: 20 })
    assert(
      property(life, integer({ min: 0, max: 3 }), (ended, starts) => {
        let pointer: CoordinatorPointer = { ...ON_PROBATION, probation: { starts } }
        let ofNew = 0
        for (const end of ended) {
          pointer = beforeStart(pointer) ?? pointer
          if (pointer.current?.sha256 === NEW.sha256) ofNew += 1
          if (pointer.probation && hasFailedAtOnce(end)) pointer = goBack(pointer)
          expect(pointer.current).not.toBeNull()
        }
        expect(ofNew).toBeLessThanOrEqual(MAX_PROBATION_STARTS - starts + (starts > MAX_PROBATION_STARTS ? 1 : 0))
        if (ended.length > MAX_PROBATION_STARTS) {
          expect(pointer).toEqual({ current: OLD, previous: null, probation: null, failed: [NEW.sha256] })
        }
      }),
    )
  })
})

describe('with real processes', () => {
  const LAUNCHER = fileURLToPath(new URL('../../bin/hotpatch-kit-launcher.js', import.meta.url))
  let root: string
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'kit-launcher-'))
    await writeFile(join(root, 'base.mjs'), 'console.log("base", ...process.argv.slice(2))')
  })
  afterEach(() => rm(root, { recursive: true, force: true }))

  async function put({ sha256 }: CoordinatorVersion, script: string): Promise<void> {
    const folder = join(root, COORDINATOR_VERSIONS, sha256)
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, COORDINATOR_ENTRY), script)
  }
  const point = (pointer: CoordinatorPointer) => writeFile(join(root, POINTER_FILE), writePointer(pointer))
  const pointer = async () => readPointer(await readFile(join(root, POINTER_FILE), 'utf8'))

  function begin(...args: string[]) {
    const all = ['--no-warnings', LAUNCHER, '--root', root, '--base', join(root, 'base.mjs'), ...args]
    const child = spawn(process.execPath, all, { stdio: ['pipe', 'pipe', 'pipe'] })
    onTestFinished(() => void child.kill('SIGKILL'))
    return child
  }

  async function run(...args: string[]) {
    const child = begin(...args)
    child.stdin.end()
    const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
    return { stdout, stderr, code: code as number }
  }

  test('the installed one, a new one that confirms itself, one that does not start', async () => {
    expect(await run('kit', 'status')).toEqual({ stdout: 'base kit status\n', stderr: '', code: 0 })
    const confirming = `
      import { readFileSync, writeFileSync } from 'node:fs'
      const path = process.env.HOTPATCH_KIT_ROOT + '/${POINTER_FILE}'
      const pointer = JSON.parse(readFileSync(path, 'utf8'))
      if (pointer.current.sha256 === process.env.HOTPATCH_KIT_COORDINATOR) writeFileSync(path, JSON.stringify({ ...pointer, probation: null }))
      console.log('old', ...process.argv.slice(2))
      process.exitCode = 7`
    await put(OLD, confirming)
    await point({ ...ON_PROBATION, current: OLD, previous: null })
    expect(await run('kit', 'apply')).toEqual({ stdout: 'old kit apply\n', stderr: '', code: 7 })
    expect((await pointer()).probation).toBeNull()
    await put(NEW, 'throw new Error("does not start")')
    await point(ON_PROBATION)
    const { stdout, stderr, code } = await run('kit', 'check')
    expect({ stdout, code }).toEqual({ stdout: 'old kit check\n', code: 7 })
    expect(stderr).toContain('Version 2.0.0 of the coordinator ended with an error at once: back to version 1.0.0.')
    expect(await pointer()).toEqual({ current: OLD, previous: null, probation: null, failed: [NEW.sha256] })
  })

  test('a folder that is gone, or is a link to somewhere else, is not started', async () => {
    await put(OLD, 'console.log("old")')
    await point(ON_PROBATION)
    expect(await run()).toMatchObject({ stdout: 'old\n', stderr: expect.stringContaining('is not there'), code: 0 })
    await mkdir(join(root, 'elsewhere'))
    await writeFile(join(root, 'elsewhere', COORDINATOR_ENTRY), 'console.log("elsewhere")')
    await symlink(join(root, 'elsewhere'), join(root, COORDINATOR_VERSIONS, NEW.sha256))
    await point(ON_PROBATION)
    expect(await run()).toMatchObject({ stdout: 'old\n', code: 0 })
  })

  test('killed with its coordinator again and again, it comes back to the one before', async () => {
    await put(OLD, 'console.log("old")')
    await put(NEW, 'console.log("new"); process.stdin.resume()')
    await point(ON_PROBATION)
    for (let time = 0; time < MAX_PROBATION_STARTS; time += 1) {
      const child = begin()
      expect(String((await once(child.stdout, 'data'))[0])).toBe('new\n')
      // Its coordinator ends with what it reads from.
      child.kill('SIGKILL')
      child.stdin.destroy()
      await once(child, 'close')
      expect((await pointer()).probation).toEqual({ starts: time + 1 })
    }
    expect(await run()).toMatchObject({ stdout: 'old\n', code: 0 })
  })

  test('told to stop, it tells its coordinator, and is no failure of it', async () => {
    await put(NEW, 'process.on("SIGTERM", () => process.exit(0)); setInterval(() => {}, 1000); console.log("new")')
    await point(ON_PROBATION)
    const child = begin()
    await once(child.stdout, 'data')
    child.kill('SIGTERM')
    expect((await once(child, 'close'))[0]).toBe(0)
    expect((await pointer()).current).toEqual(NEW)
  })

  test('says how it is called', async () => {
    const child = spawn(process.execPath, ['--no-warnings', LAUNCHER], { stdio: ['ignore', 'pipe', 'pipe'] })
    const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, 'close')])
    expect([code, stderr]).toEqual([2, expect.stringMatching(/^Usage: hotpatch-kit-launcher --root/)])
  })
})
