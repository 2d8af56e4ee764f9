import { stripVTControlCharacters } from 'node:util'
import { expect, test } from 'vitest'
import { describeStart, type Started } from './start-text.ts'

const started: Started = {
  version: '1.2.3',
  url: 'http://localhost:8080',
  dataDirectory: '/srv/ota/data',
  database: 'sqlite',
  ownerTokenFile: undefined,
  welcome: undefined,
  notices: [],
}
const say = (changes: Partial<Started>, directory = '/srv/ota') =>
  stripVTControlCharacters(describeStart({ ...started, ...changes }, directory))

test('a start says where everything is, and no more', () => {
  expect(say({}).trim().split('\n')).toEqual([
    'HotPatch 1.2.3 listens on http://localhost:8080',
    '  Data:           data (SQLite)',
    '  Console:        http://localhost:8080/dashboard/',
    '  API reference:  http://localhost:8080/manage/v1/reference',
  ])
})

test('the first start also says what comes next, as whoever started it would type it', () => {
  const ownerTokenFile = '/srv/ota/data/owner-token'
  expect(say({ ownerTokenFile })).toContain(
    'npx hotpatch login --url http://localhost:8080 --token-stdin < data/owner-token\n',
  )
  expect(say({ ownerTokenFile }, '/home/me')).toContain(`--token-stdin < ${ownerTokenFile}\n`)
  expect(say({ ownerTokenFile: "/my data/o'k" }, '/home/me')).toContain(`--token-stdin < '/my data/o'\\''k'\n`)
})

test('until there is an owner, a start says where to become that', () => {
  const link = 'http://localhost:8080/dashboard/welcome#secret'
  const said = say({ welcome: { link, file: '/srv/ota/data/first-owner-link', minutes: 30 } })
  expect(said).toContain(`\n    ${link}\n`)
  expect(said).toContain('for 30 minutes')
})

test('a notice is folded between words', () => {
  const notice = 'a word and another '.repeat(20).trim()
  const lines = say({ notices: [notice] })
    .split('\n')
    .slice(5)
    .map((line) => line.trim())
    .filter(Boolean)
  expect(lines.join(' ')).toBe(notice)
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(100)
})
