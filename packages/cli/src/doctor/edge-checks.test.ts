import type { EdgeOfApp } from '@hotpatch/api'
import { expect, test } from 'vitest'
import { judgeEdgeKey } from './edge-checks.ts'

const NOW = Date.parse('2030-06-01T00:00:00.000Z')
const OWN = `${'A'.repeat(43)}=`
const OTHER = `${'B'.repeat(43)}=`
const FIX = 'hotpatch edge enable --app demo'

function edgeWith(...keys: [publicKey: string, notAfter: string][]): EdgeOfApp {
  return {
    serverKeys: [{ publicKey: OWN, createdAt: '2030-01-01T00:00:00.000Z' }],
    keyDocument: {
      version: 1,
      keys: keys.map(([publicKey, notAfter]) => ({ publicKey, notAfter })),
      createdAt: '2030-01-01T00:00:00.000Z',
      createdBy: 'ci',
    },
    catalogs: [],
  }
}

test.each([
  ['2031-06-01T00:00:00.000Z', 'ok', 'for 365 days'],
  ['2030-07-01T00:00:00.001Z', 'ok', 'for 30 days'],
  ['2030-07-01T00:00:00.000Z', 'warn', 'in 30 days'],
  ['2030-06-02T12:00:00.000Z', 'warn', 'in a day'],
  ['2030-06-01T00:00:01.000Z', 'warn', 'in less than a day'],
  ['2030-06-01T00:00:00.000Z', 'fail', 'devices ask the server instead'],
  ['2029-06-01T00:00:00.000Z', 'fail', 'was good until 2029'],
])('a key of the edge that is good until %s', (notAfter, status, message) => {
  const check = judgeEdgeKey(edgeWith([OWN, notAfter]), NOW, FIX)
  expect(check).toMatchObject({ id: 'edge-key', status, fix: status === 'ok' ? null : FIX })
  expect(check?.message).toContain(message)
})

test('of several the one counts that the server has, and that is good for the longest', () => {
  const keys: [string, string][] = [
    [OWN, '2030-06-10T00:00:00.000Z'],
    [OWN, '2031-06-01T00:00:00.000Z'],
  ]
  expect(judgeEdgeKey(edgeWith(...keys), NOW, FIX)).toMatchObject({ status: 'ok' })
  const lost = judgeEdgeKey(edgeWith([OTHER, '2031-06-01T00:00:00.000Z']), NOW, FIX)
  expect(lost).toMatchObject({ status: 'fail', message: expect.stringContaining('has none of the keys'), fix: FIX })
})

test('an app without an edge is told nothing', () => {
  expect(judgeEdgeKey({ ...edgeWith(), keyDocument: null }, NOW, FIX)).toBeUndefined()
  expect(judgeEdgeKey(edgeWith(), NOW, FIX)).toBeUndefined()
})
