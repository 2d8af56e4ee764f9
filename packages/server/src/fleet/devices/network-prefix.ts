import { isIPv4, isIPv6 } from 'node:net'

/** Loopback, private (RFC 1918), link-local. Not that of carriers' NAT (RFC 6598), which strangers share. */
const PRIVATE_IPV4 = /^(?:127|10|192\.168|169\.254|172\.(?:1[6-9]|2\d|3[01]))\./
/** Loopback, unique local, link-local. */
const PRIVATE_IPV6 = /^(?:::1?$|f[cd]|fe[89ab])/i
const IPV4_IN_IPV6 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i

/**
 * What one holder of addresses has of them at the least: IPv4 /24, IPv6 /48. Null for addresses that are not of the
 * Internet: a machine or a house, or a proxy that hides who asks.
 */
export function networkPrefix(address: string): string | null {
  const ipv4 = IPV4_IN_IPV6.exec(address)?.[1] ?? address
  if (isIPv4(ipv4)) return PRIVATE_IPV4.test(ipv4) ? null : ipv4.slice(0, ipv4.lastIndexOf('.'))
  if (!isIPv6(address) || PRIVATE_IPV6.test(address)) return null
  const [start = ''] = address.split('::')
  const groups = start === '' ? [] : start.split(':')
  return [0, 1, 2].map((index) => Number.parseInt(groups[index] ?? '0', 16).toString(16)).join(':')
}
