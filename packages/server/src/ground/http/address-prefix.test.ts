import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { addressPrefix } from './address-prefix.ts'

describe('the prefix that limits count for', () => {
  test.each([
    ['203.0.113.7', '203.0.113.7'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['::FFFF:203.0.113.7', '203.0.113.7'],
    ['203.0.113.7:51234', '203.0.113.7'],
    ['2001:db8:12:3400::1', '2001:db8:12:3400::/64'],
    ['2001:0db8:0012:3400:ffff::', '2001:db8:12:3400::/64'],
    ['2001:DB8:12:3400:1:2:3:4', '2001:db8:12:3400::/64'],
    ['[2001:db8:12:3400::1]:443', '2001:db8:12:3400::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['2001:db8::', '2001:db8:0:0::/64'],
    ['64:ff9b::192.0.2.1', '64:ff9b:0:0::/64'],
  ])('of %s is %s', (address, prefix) => expect(addressPrefix(address)).toBe(prefix))

  test.each(['', 'unknown', '1.2.3', '999.1.1.1', '::ffff:999.1.1.1', '_hidden', '2001:db8:::1', 'a'.repeat(10_000)])(
    '"%.20s" is nobody’s address',
    (address) => expect(addressPrefix(address)).toBe('unknown'),
  )

  test('is the same for every address of a /64, and another one for every other /64', () => {
    fc.assert(
      fc.property(fc.ipV6(), fc.ipV6(), (one, other) => {
        // The URL parser writes an address in its only canonical form.
        const canonical = (address: string) => new URL(`http://[${address}]/`).hostname.slice(1, -1)
        const groups = (address: string) => expand(canonical(address)).slice(0, 4)
        const isMapped = (address: string) => canonical(address).startsWith('::ffff:')
        fc.pre(!isMapped(one) && !isMapped(other))
        const isSame = groups(one).join() === groups(other).join()
        return (addressPrefix(one) === addressPrefix(other)) === isSame
      }),
    )
  })
})

function expand(canonical: string): string[] {
  const [start = '', end = ''] = canonical.split('::')
  const first = start.split(':').filter(Boolean)
  const last = end.split(':').filter(Boolean)
  return [...first, ...Array.from({ length: 8 - first.length - last.length }, () => '0'), ...last]
}
