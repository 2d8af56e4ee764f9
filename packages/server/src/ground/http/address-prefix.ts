import { isIPv4, isIPv6 } from 'node:net'

const IPV4_IN_IPV6 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i
/** As some proxies write a client, with its port. */
const IPV4_AND_PORT = /^(\d+\.\d+\.\d+\.\d+):\d+$/
const IPV6_IN_BRACKETS = /^\[([^\]]+)\](?::\d+)?$/
/** Of an IPv6 address, what one subscriber gets whole: 64 bits. */
const PREFIX_GROUPS = 4

/** What no address could be read from. All such share what one address may do. */
const UNKNOWN_ADDRESS = 'unknown'

/**
 * Whom limits count for: an IPv4 address, also where it is written as IPv6, or the /64 of an IPv6 address. Whoever has
 * one address of a /64 has the other 2^64 too. Bounded, whatever a header says.
 */
export function addressPrefix(address: string): string {
  // Nearly all: a plain IPv4 address, as the socket has it.
  if (!address.includes(':')) return isIPv4(address) ? address : UNKNOWN_ADDRESS
  const ipv4 = (IPV4_IN_IPV6.exec(address) ?? IPV4_AND_PORT.exec(address))?.[1]
  if (ipv4 !== undefined) return isIPv4(ipv4) ? ipv4 : UNKNOWN_ADDRESS
  const bare = IPV6_IN_BRACKETS.exec(address)?.[1] ?? address
  const [ipv6 = ''] = bare.split('%')
  return isIPv6(ipv6) ? `${groupsOf(ipv6).slice(0, PREFIX_GROUPS).map(shortHex).join(':')}::/64` : UNKNOWN_ADDRESS
}

/** All eight, whichever were left out. */
function groupsOf(ipv6: string): string[] {
  // An IPv4 address at the end stands for two groups.
  const text = ipv6.includes('.') ? ipv6.replace(/\d+\.\d+\.\d+\.\d+$/, '0:0') : ipv6
  const [start = '', end] = text.split('::')
  const first = start === '' ? [] : start.split(':')
  if (end === undefined) return first
  const last = end === '' ? [] : end.split(':')
  return [...first, ...Array.from({ length: 8 - first.length - last.length }, () => '0'), ...last]
}

function shortHex(group: string): string {
  return Number.parseInt(group, 16).toString(16)
}
