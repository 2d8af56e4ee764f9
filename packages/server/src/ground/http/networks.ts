import { BlockList, isIP } from 'node:net'

/** An address, or one with the number of bits that count: 10.0.0.0/8, 2001:db8::/32. */
export function isNetwork(text: string): boolean {
  const [address = '', bits, ...others] = text.split('/')
  const version = isIP(address)
  if (version === 0 || others.length > 0) return false
  return (
    bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) >= 1 && Number(bits) <= (version === 4 ? 32 : 128))
  )
}

export function isWithin(networks: readonly string[]): (address: string) => boolean {
  const list = new BlockList()
  for (const network of networks) {
    const [address = '', bits] = network.split('/')
    const family = isIP(address) === 4 ? 'ipv4' : 'ipv6'
    if (bits === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(bits), family)
  }
  return (address) => {
    // A socket that takes both kinds writes IPv4 as IPv6.
    const bare = address.toLowerCase().startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address
    const version = isIP(bare)
    return version !== 0 && list.check(bare, version === 4 ? 'ipv4' : 'ipv6')
  }
}

/** Whether each of these lies within one of the others. */
export function areWithin(networks: readonly string[], others: readonly string[]): boolean {
  return networks.every((network) => others.some((other) => holds(other, network)))
}

function holds(outer: string, inner: string): boolean {
  const [address = ''] = inner.split('/')
  return (
    isWithin([outer])(address) && bitsOf(outer) <= bitsOf(inner) && isIP(address) === isIP(outer.split('/')[0] ?? '')
  )
}

function bitsOf(network: string): number {
  const [address = '', bits] = network.split('/')
  return bits === undefined ? (isIP(address) === 4 ? 32 : 128) : Number(bits)
}
