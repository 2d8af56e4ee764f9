import { expect, test } from 'vitest'
import { networkPrefix } from './network-prefix.ts'

test.each([
  ['203.0.113.7', '203.0.113'],
  ['203.0.113.250', '203.0.113'],
  ['::ffff:203.0.113.7', '203.0.113'],
  ['100.64.3.9', '100.64.3'],
  ['2001:db8:12:3400::1', '2001:db8:12'],
  ['2001:0db8:0012:ffff::2', '2001:db8:12'],
  ['2001:db8::5', '2001:db8:0'],
  ['2a02::', '2a02:0:0'],
])('%s is in the network %s', (address, network) => expect(networkPrefix(address)).toBe(network))

test.each(['127.0.0.1', '10.2.3.4', '172.16.0.1', '172.31.9.9', '192.168.1.1', '::1', '::ffff:10.0.0.1', 'fd12::1'])(
  '%s names no network',
  (address) => expect(networkPrefix(address)).toBeNull(),
)

test('a range that begins alike is not private', () => {
  expect(networkPrefix('172.32.0.1')).toBe('172.32.0')
  expect(networkPrefix('11.0.0.1')).toBe('11.0.0')
  expect(networkPrefix('192.169.0.1')).toBe('192.169.0')
})
