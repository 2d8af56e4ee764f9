import { stripVTControlCharacters } from 'node:util'
import { expect, test } from 'vitest'
import { createReadableLog } from './readable-log.ts'

const time = new Date(2030, 0, 2, 3, 4, 5).getTime()

function linesOf(fields: object): string[] {
  let text = ''
  const log = createReadableLog((part) => (text += part))
  log.write(`${JSON.stringify({ level: 30, time, pid: 1, hostname: 'h', ...fields })}\n`)
  return stripVTControlCharacters(text).split('\n')
}

test('a request is one line of words', () => {
  const request = { reqId: 'r-1', method: 'POST', path: '/manage/v1/apps', status: 201, ms: 7, msg: 'request' }
  expect(linesOf({ ...request, actor: 'owner' })).toEqual(['03:04:05 POST /manage/v1/apps 201 in 7 ms by owner', ''])
  expect(linesOf({ ...request, level: 30, status: 500 })[0]).toContain('500 in 7 ms (request r-1)')
})

test('a warning says so, with its fields and its reason', () => {
  const err = { type: 'Error', message: 'no route', stack: 'Error: no route\n    at send (a.ts:1:1)' }
  expect(linesOf({ level: 40, msg: 'a sweep failed', of: 'uploads', err })).toEqual([
    '03:04:05 warning: a sweep failed of=uploads',
    '    Error: no route',
    '        at send (a.ts:1:1)',
    '',
  ])
})

test('nothing in a line reaches the terminal as anything but text', () => {
  const path = '/a\u001b]0;title\u0007\u001b[2J\u202e\r\nforged'
  const lines = linesOf({ method: 'GET', path, status: 404, ms: 1, msg: 'request' })
  expect(lines).toHaveLength(2)
  expect(lines[0]).not.toMatch(/[\p{Cc}\u202e]/u)
})
