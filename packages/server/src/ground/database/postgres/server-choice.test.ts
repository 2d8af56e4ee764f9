import { describe, expect, test } from 'vitest'
import type { ServerState } from './choose-server.ts'
import { createServerChoice, NoServerError } from './server-choice.ts'
import { readServerList } from './server-list.ts'

const LIST = readServerList('postgres://u:secret@one:1,two:2/db?target_session_attrs=read-write')
const primary = (timeline: number): ServerState => ({ isStandby: false, isWritable: true, timeline })
const standby: ServerState = { isStandby: true, isWritable: false, timeline: null }

/** Servers that are as the test says, and timers that run when it says so. */
function aChoice(states: Record<string, ServerState>) {
  const pending = new Set<() => void>()
  let looks = 0
  const changes: string[] = []
  if (!LIST) throw new Error('The address of this test is none.')
  const choice = createServerChoice(LIST, {
    look: async ({ name }) => {
      looks += 1
      const state = states[name]
      if (!state) throw new Error('connect ECONNREFUSED')
      return state
    },
    timers: {
      after(_delayMs, run) {
        pending.add(run)
        return () => pending.delete(run)
      },
    },
  })
  choice.onChange(({ name }) => changes.push(name))
  return {
    ...choice,
    states,
    changes,
    looks: () => looks,
    nameOf: async () => (await choice.find()).name,
    pending: () => pending.size,
    async elapse() {
      const due = [...pending]
      pending.clear()
      for (const run of due) run()
      // Rounds are done when their promises are.
      for (let turn = 0; turn < 20; turn += 1) await Promise.resolve()
    },
  }
}

describe('which of several servers is used', () => {
  test('is found once for all who ask at the same time, and not looked for again', async () => {
    const choice = aChoice({ 'one:1': primary(1), 'two:2': standby })
    const found = await Promise.all([choice.nameOf(), choice.nameOf(), choice.nameOf()])
    expect([found, await choice.nameOf(), choice.looks()]).toEqual([['one:1', 'one:1', 'one:1'], 'one:1', 2])
  })

  test('is looked for anew when somebody has lost it', async () => {
    const choice = aChoice({ 'one:1': primary(1), 'two:2': standby })
    const server = await choice.find()
    delete choice.states['one:1']
    choice.states['two:2'] = primary(2)
    choice.doubt(server)
    expect([await choice.nameOf(), choice.changes]).toEqual(['two:2', ['one:1', 'two:2']])
  })

  test('is nobody while there is none, which is said without a secret and asked of nobody again and again', async () => {
    const choice = aChoice({ 'two:2': standby })
    const refusals = []
    for (let turn = 0; turn < 10; turn += 1) refusals.push(await choice.find().catch((error: unknown) => error))
    expect(refusals[0]).toBeInstanceOf(NoServerError)
    expect((refusals[0] as Error).message).toBe(
      'None of the servers of the database is one for target_session_attrs=read-write: one:1: connect ECONNREFUSED; two:2: a standby.',
    )
    expect([new Set(refusals).size, choice.looks()]).toEqual([1, 2])
    choice.states['two:2'] = primary(2)
    await choice.elapse()
    expect(await choice.nameOf()).toBe('two:2')
  })

  test('is another one when one was promoted, also if the one in use has not noticed', async () => {
    const choice = aChoice({ 'one:1': primary(1), 'two:2': standby })
    expect(await choice.nameOf()).toBe('one:1')
    choice.states['two:2'] = primary(2)
    await choice.elapse()
    expect(await choice.nameOf()).toBe('two:2')
    delete choice.states['two:2']
    await choice.elapse()
    await expect(choice.find()).rejects.toThrow(
      'one:1: writes on timeline 1, and 2 was seen; two:2: connect ECONNREFUSED',
    )
  })

  test('is watched until it is closed', async () => {
    const choice = aChoice({ 'one:1': primary(1), 'two:2': standby })
    await choice.find()
    await choice.elapse()
    expect(choice.pending()).toBe(1)
    choice.close()
    expect(choice.pending()).toBe(0)
    await choice.elapse()
    expect(choice.looks()).toBe(4)
  })
})
