import { expect, test } from 'vitest'
import { readRedisUrl } from './redis-config.ts'

const at = (host: string, port = 6379) => ({ host, port })

test.each([
  ['redis://redis', { addresses: [at('redis')], isTls: false, username: null, password: null }],
  ['redis://redis:6380/2', { addresses: [at('redis', 6380)], isTls: false, username: null, password: null }],
  ['rediss://:s%40cret@redis', { addresses: [at('redis')], isTls: true, username: null, password: 's@cret' }],
  ['redis://hot:patch@[::1]:7000', { addresses: [at('::1', 7000)], isTls: false, username: 'hot', password: 'patch' }],
  [
    'rediss://hot:patch@one,two:6380,10.0.0.3/',
    { addresses: [at('one'), at('two', 6380), at('10.0.0.3')], isTls: true, username: 'hot', password: 'patch' },
  ],
])('%s is read', (text, config) => {
  expect(readRedisUrl(text)).toEqual(config)
})

test.each([
  '',
  'redis',
  'redis://',
  'http://redis:6379',
  'redis://one,,two',
  'redis://redis:port',
  'redis://redis:70000',
  'redis://user@password@redis',
  'redis://:%ff@redis',
  'redis://redis/name',
  'redis://redis?db=1',
  `redis://${'one,'.repeat(16)}one`,
])('"%s" is not', (text) => {
  expect(readRedisUrl(text)).toBeUndefined()
})
