import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { eventually, temporaryDirectory } from '@hotpatch/testkit'
import { describe, expect, test } from 'vitest'
import { createRealKit, REAL_RELEASES } from '../testing/real-kit.ts'

const CHILD = fileURLToPath(new URL('../testing/kill-child.ts', import.meta.url))
/** The long form, which takes minutes. */
const EVERY_CUT = process.env.HOTPATCH_EVERY_CUT === '1'
const EVERY = EVERY_CUT ? 1 : 6
const MOST_RECORDS = 100

async function installed(): Promise<string> {
  const root = await temporaryDirectory()
  expect(await createRealKit(root).apply(REAL_RELEASES.old)).toMatchObject({ kind: 'committed', failed: [] })
  return root
}

async function copyOf(root: string): Promise<string> {
  const copy = await temporaryDirectory()
  cpSync(root, copy, { recursive: true, verbatimSymlinks: true })
  return copy
}

/** Its last word: undefined when it was ended at its nth record. */
async function applyAndKill(root: string, release: string, nth: number): Promise<string | undefined> {
  const child = spawn(process.execPath, [CHILD, root, release], { stdio: ['pipe', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  let records = 0
  let last: string | undefined
  for await (const line of createInterface(child.stdout)) {
    if (line !== 'record') {
      last = line
      continue
    }
    records += 1
    if (records === nth) child.kill('SIGKILL')
    else child.stdin.write('\n')
  }
  await exited
  return last
}

async function wholeAfterGood(base: string): Promise<string[]> {
  const kit = createRealKit(await copyOf(base))
  await kit.apply(REAL_RELEASES.good)
  return kit.snapshot()
}

describe.skipIf(process.platform === 'win32')('a process is killed at a record of its journal', () => {
  test.each(['good', 'bad'] as const)('and a start after it makes the kit whole (%s release)', async (name) => {
    const base = await installed()
    const old = await createRealKit(base).snapshot()
    const whole = await wholeAfterGood(base)
    const ends = new Set<string>()
    let isOver = false
    for (let nth = 1; nth < MOST_RECORDS && !isOver; nth += EVERY) {
      const root = await copyOf(base)
      const word = await applyAndKill(root, name, nth)
      isOver = word !== undefined
      const kit = createRealKit(root)
      const recovered = await kit.recover()
      if (isOver) expect([word, recovered.kind]).toEqual([name === 'good' ? 'committed' : 'reverted', 'nothing-open'])
      const snapshot = await kit.snapshot()
      const isNew = name === 'good' && JSON.stringify(snapshot) === JSON.stringify(whole)
      if (!isNew) expect(snapshot, `killed at record ${nth}`).toEqual(old)
      ends.add(isNew ? 'new' : 'old')
      expect(await kit.recover()).toEqual({ kind: 'nothing-open' })
    }
    expect(isOver).toBe(true)
    expect([...ends].sort()).toEqual(name === 'good' ? ['new', 'old'] : ['old'])
  })

  test('while it runs nobody else works on the kit', async () => {
    const root = await installed()
    const child = spawn(process.execPath, [CHILD, root, 'good'], { stdio: ['pipe', 'pipe', 'inherit'] })
    const exited = once(child, 'exit')
    await once(child.stdout, 'data')
    await expect(createRealKit(root).recover()).rejects.toMatchObject({ code: 'already-running' })
    child.kill('SIGKILL')
    await exited
    // Nothing was open at its first record yet.
    expect(await createRealKit(root).recover()).toEqual({ kind: 'nothing-open' })
  })

  test('a hook that runs on when it is killed has ended before anything is put back', async () => {
    const root = await installed()
    const child = spawn(process.execPath, [CHILD, root, 'slow'], { stdio: ['pipe', 'pipe', 'inherit'] })
    const exited = once(child, 'exit')
    child.stdout.on('data', () => child.stdin.write('\n'))
    const pid = await eventually(() => Number(readFileSync(join(root, 'slow.pid'), 'utf8')))
    child.kill('SIGKILL')
    await exited
    expect(isRunning(pid)).toBe(true)
    const kit = createRealKit(root, { isSlow: true })
    expect(await kit.recover()).toMatchObject({ kind: 'reverted' })
    await eventually(() => expect(isRunning(pid)).toBe(false))
    expect(existsSync(join(root, 'beside'))).toBe(false)
    expect(readFileSync(join(root, 'running'), 'utf8')).toBe('gateway 1')
    expect(await kit.disk.list('.kit/hooks')).toEqual([])
  })
})

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
