import type { GroupGrant } from '@hotpatch/api'
import { expect, test } from 'vitest'
import { grantsOfGroups, groupsOf, hasTooManyGroups } from './group-grants.ts'
import { mergeClaims } from './merge-claims.ts'

test('what the token says goes before what the issuer says when it is asked', () => {
  const asked = { sub: '1', name: 'B', groups: ['a'] }
  expect(mergeClaims({ sub: '1', name: 'A' }, asked)).toEqual({ sub: '1', name: 'A', groups: ['a'] })
})

test('an address is verified where that stands beside it, and no other is', () => {
  const verified = { email: 'mine@example.com', email_verified: true }
  expect(mergeClaims({ email: 'yours@example.com' }, verified)).toEqual({ email: 'yours@example.com' })
  expect(mergeClaims({ email: 'mine@example.com' }, verified)).toEqual(verified)
  expect(mergeClaims({ ...verified, email_verified: false }, verified)).toMatchObject({ email_verified: false })
  expect(mergeClaims({}, verified)).toEqual(verified)
})

test.each<[string, Record<string, unknown>, string, string[]]>([
  ['a list', { groups: ['a', 'b'] }, 'groups', ['a', 'b']],
  ['one text', { hd: 'acme.example' }, 'hd', ['acme.example']],
  ['within objects', { realm_access: { roles: ['a'] } }, 'realm_access.roles', ['a']],
  ['a name with dots', { 'https://acme.example/groups': ['a'] }, 'https://acme.example/groups', ['a']],
  ['what is no text', { groups: [1, null, { a: 1 }, 'a'] }, 'groups', ['a']],
  ['an object', { groups: { a: true } }, 'groups', []],
  ['what every object has', {}, 'constructor.name', []],
  ['what every object inherits', { a: {} }, 'a.__proto__', []],
  ['nothing', {}, 'groups', []],
])('groups are told by %s', (_case, claims, claim, expected) => {
  expect([...groupsOf(claims, claim)]).toEqual(expected)
})

test('groups that were left out are not none', () => {
  expect(hasTooManyGroups({ _claim_names: { groups: 'src1' } }, 'groups')).toBe(true)
  expect(hasTooManyGroups({ _claim_names: { others: 'src1' } }, 'groups')).toBe(false)
  expect(hasTooManyGroups({ _claim_names: 'groups' }, 'groups')).toBe(false)
})

test('of several groups the strongest role counts, for each place', () => {
  const given: GroupGrant[] = [
    { group: 'a', role: 'reader', appId: null },
    { group: 'b', role: 'admin', appId: null },
    { group: 'a', role: 'publisher', appId: 'one' },
    { group: 'c', role: 'owner', appId: null },
  ]
  expect(grantsOfGroups(new Set(['a', 'b', 'A', 'c ']), given)).toEqual([
    { role: 'admin', appId: null },
    { role: 'publisher', appId: 'one' },
  ])
  expect(grantsOfGroups(new Set(), given)).toEqual([])
})
