import { expect, test } from 'vitest'
import { matchesPattern, meets } from './match-claim.ts'

test.each<[string, string, boolean]>([
  ['acme/app', 'acme/app', true],
  ['acme/app', 'acme/App', false],
  ['acme/app', 'acme/ap', false],
  ['acme/app2', 'acme/app', false],
  ['evil/acme/app', 'acme/app', false],
  ['acme/app', 'acme/*', true],
  ['acme/', 'acme/*', true],
  ['acme-evil/app', 'acme/*', false],
  ['acme/app/more', 'acme/*', false],
  ['acme/app/more', 'acme/**', true],
  ['repo:acme/app:ref:refs/heads/main', 'repo:acme/app:*', false],
  ['repo:acme/app:ref:refs/heads/main', 'repo:acme/app:**', true],
  ['repo:acme/app:ref:refs/heads/main', 'repo:acme/*:ref:refs/heads/main', true],
  // A star that crossed a colon would take an environment for a repository.
  ['repo:acme/x:environment:y:ref:refs/heads/main', 'repo:acme/*:ref:refs/heads/main', false],
  ['refs/tags/v1.2.3', 'refs/tags/v*', true],
  ['refs/tags/v1.2.3', 'refs/tags/v*.3', true],
  ['refs/tags/v1x2', 'refs/tags/v1.2', false],
  ['refs/heads/release/1\n', 'refs/heads/release/1', false],
  ['a\nb', '*', true],
  ['', '*', true],
  ['', 'a*', false],
  ['abc', '***', true],
  ['a/b/c', '**/c', true],
  ['😀/x', '*/x', true],
])('%j, %j: %s', (text, pattern, expected) => {
  expect(matchesPattern(text, pattern)).toBe(expected)
})

test('many stars take no longer than the text is; longer ones match nothing', () => {
  expect(matchesPattern('a'.repeat(2_000), `${'a*'.repeat(20)}b`)).toBe(false)
  expect(matchesPattern('a'.repeat(2_001), '**')).toBe(false)
})

test.each<[unknown, string, boolean]>([
  [42, '42', true],
  [true, 'true', true],
  [['acme/app'], 'acme/app', false],
  [{ toString: 'acme/app' }, '**', false],
  [null, '**', false],
  [undefined, '**', false],
])('a claim %j and %j: %s', (value, matches, expected) => {
  expect(meets({ claim: value }, { claim: 'claim', matches })).toBe(expected)
})

test('what every object has is no claim', () => {
  expect(meets({}, { claim: 'toString', matches: '**' })).toBe(false)
})
