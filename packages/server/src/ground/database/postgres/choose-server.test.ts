import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { chooseServer, describeLook, latestTimeline, type Look, type ServerState } from './choose-server.ts'
import { readServerList, type Wanted } from './server-list.ts'

const serverOf = (name: string) => ({ name, url: `postgres://${name}/db` })
const [one, two] = [serverOf('one'), serverOf('two')]
const primary = (timeline: number | null = 1): ServerState => ({ isStandby: false, isWritable: true, timeline })
const standby: ServerState = { isStandby: true, isWritable: false, timeline: null }
const readOnly: ServerState = { isStandby: false, isWritable: false, timeline: 1 }
const gone = { error: new Error('connect ECONNREFUSED') }
const looks = (...seen: Look['seen'][]): Look[] =>
  seen.map((each, index) => ({ server: [one, two][index] ?? one, seen: each }))

describe('of two servers', () => {
  test.each<[string, Wanted, Look[], string | undefined, number?]>([
    ['the one that writes', 'read-write', looks(standby, primary()), 'two'],
    ['the only one that is there', 'read-write', looks(gone, primary()), 'two'],
    ['nobody, when the other one only reads', 'read-write', looks(gone, standby), undefined],
    ['nobody, when sessions of the primary only read', 'read-write', looks(readOnly, standby), undefined],
    ['a primary whose sessions only read, if that is asked for', 'primary', looks(standby, readOnly), 'two'],
    ['of two that write the one that was promoted last', 'read-write', looks(primary(1), primary(2)), 'two'],
    ['nobody, when the one that was replaced is alone', 'read-write', looks(primary(1), gone), undefined, 2],
    ['one whose timeline nobody can tell', 'read-write', looks(gone, primary(null)), 'two', 2],
    ['a standby', 'standby', looks(primary(), standby), 'two'],
    ['a standby rather than the primary', 'prefer-standby', looks(primary(), standby), 'two'],
    ['the primary, when there is no standby', 'prefer-standby', looks(primary(), gone), 'one'],
    ['one that only reads', 'read-only', looks(primary(), standby), 'two'],
    ['the first that is there', 'any', looks(standby, standby), 'one'],
  ])('%s', (_name, wanted, seen, expected, timeline = 0) => {
    const known = Math.max(timeline, latestTimeline(seen))
    expect(chooseServer(seen, wanted, { inUse: undefined, timeline: known })?.server.name).toBe(expected)
  })

  test('the one in use stays, as long as no other one is better', () => {
    const choose = (seen: Look[]) => chooseServer(seen, 'read-write', { inUse: two, timeline: 1 })?.server.name
    expect([choose(looks(primary(1), primary(1))), choose(looks(primary(2), primary(1)))]).toEqual(['two', 'one'])
  })

  test('none that writes on an earlier timeline than was seen is ever chosen for writing', () => {
    const state = fc.record({
      isStandby: fc.boolean(),
      isWritable: fc.boolean(),
      timeline: fc.integer({ min: 1, max: 5 }),
    })
    fc.assert(
      fc.property(fc.array(state, { minLength: 1, maxLength: 4 }), fc.integer({ min: 0, max: 6 }), (states, before) => {
        const seen = states.map((each, index) => ({ server: serverOf(String(index)), seen: each }))
        const timeline = Math.max(before, latestTimeline(seen))
        const chosen = chooseServer(seen, 'read-write', { inUse: undefined, timeline })
        if (!chosen || 'error' in chosen.seen) return chosen === undefined
        return chosen.seen.isWritable && !chosen.seen.isStandby && chosen.seen.timeline === timeline
      }),
    )
  })

  test('what was found is said without a secret', () => {
    const seen = [...looks(gone, primary(1)), { server: serverOf('three'), seen: readOnly }]
    expect(seen.map((each) => describeLook(each, 2)).join('; ')).toBe(
      'one: connect ECONNREFUSED; two: writes on timeline 1, and 2 was seen; three: writes on timeline 1, and 2 was seen',
    )
  })
})

describe('the address of a database', () => {
  test('may name several servers, each with its port', () => {
    expect(
      readServerList(
        'postgres://u:p%40@one:5432,[::1]:6432,three/db?target_session_attrs=read-write&sslmode=verify-full',
      ),
    ).toEqual({
      wanted: 'read-write',
      servers: ['one:5432', '[::1]:6432', 'three'].map((name) => ({
        name,
        url: `postgres://u:p%40@${name}/db?target_session_attrs=read-write&sslmode=verify-full`,
      })),
    })
  })

  test('of one server is what it was', () => {
    const address = 'postgresql:///db?host=/var/run/postgresql'
    expect(readServerList(address)).toEqual({ wanted: 'any', servers: [{ name: '', url: address }] })
  })

  test.each([
    'mysql://one/db',
    'postgres://one,/db',
    'postgres://one:port,two/db',
    'postgres:///db?host=one,two',
    'postgres://one/db?target_session_attrs=master',
    `postgres://${'one,'.repeat(8)}nine/db`,
    '',
  ])('is refused: %s', (address) => expect(readServerList(address)).toBeUndefined())
})
