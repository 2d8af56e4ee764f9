import { describe, expect, test } from 'vitest'
import vectors from '../../../../vectors/engine/states.json' with { type: 'json' }
import { nextState, transition, TRANSITIONS, type UpdateState } from './states.ts'

const states = [...new Set(TRANSITIONS.flatMap(([from, , to]) => [from, to]))]
const events = [...new Set(TRANSITIONS.map(([, event]) => event))]

describe('the state table (Engine §2)', () => {
  test('is the same in every language', () => {
    const rows = TRANSITIONS.map(([from, event, to, comment]) => ({ from, event, to, comment }))
    expect(rows).toEqual(vectors.transitions)
  })

  test('has one row for a state and an event', () => {
    const keys = TRANSITIONS.map(([from, event]) => `${from} ${event}`)
    expect(new Set(keys).size).toBe(keys.length)
  })

  test('is what transition() answers, and nothing else', () => {
    for (const state of states) {
      for (const event of events) {
        const row = TRANSITIONS.find(([from, on]) => from === state && on === event)
        expect(transition(state, event)).toBe(row?.[2])
      }
    }
  })

  test('reaches every state from idle', () => {
    const reached = new Set<UpdateState>(['idle'])
    for (let size = 0; size < reached.size;) {
      size = reached.size
      for (const [from, , to] of TRANSITIONS) if (reached.has(from)) reached.add(to)
    }
    expect([...reached].toSorted()).toEqual(states.toSorted())
  })

  test('leads to probation only through staged, and to staged only through verifying or what is at hand', () => {
    const into = (state: UpdateState) => TRANSITIONS.filter(([, , to]) => to === state).map(([from]) => from)
    expect(into('probation')).toEqual(['staged', 'probation'])
    expect(into('staged')).toEqual(['offered', 'verifying'])
    expect(into('verifying')).toEqual(['downloading'])
  })

  test('ends in rolled-back: no row leads out of it', () => {
    expect(TRANSITIONS.filter(([from]) => from === 'rolled-back')).toEqual([])
  })

  test('everything that works can fail', () => {
    for (const state of ['checking', 'offered', 'downloading', 'verifying'] as const) {
      expect(transition(state, 'failed')).toBe('idle')
    }
  })

  test('an event that the table does not know is a bug', () => {
    expect(() => nextState('idle', 'confirm')).toThrow('no row for "confirm" in "idle"')
  })
})
