import type { LookupAddress } from 'node:dns'
import { lookup } from 'node:dns/promises'
import { BlockList, isIP } from 'node:net'
import { problem, type ProblemType } from '@hotpatch/protocol'

/** The addresses of a host, as IPv4 or IPv6. @throws when there are none */
export type ResolveHost = (host: string) => Promise<readonly LookupAddress[]>

/** An address that was checked, with what it stands for: nothing else may be connected to. */
export interface CheckedAddress {
  url: URL
  addresses: readonly LookupAddress[]
}

export type AddressRules = ReturnType<typeof createAddressRules>

/** What is not the public internet, of IPv4: IANA's special-purpose registry, and a cloud's metadata at a public address. */
const REFUSED_IPV4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
  '168.63.129.16/32',
]
/** Of IPv6 everything is refused that was not given out for the public internet: this was, but for what follows. */
const PUBLIC_IPV6 = ['2000::/3']
/** Protocol assignments with Teredo, documentation, 6to4 (an IPv4 address in disguise). */
const REFUSED_IPV6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20']

/**
 * Webhooks are sent and issuers asked from inside the operator's network, at addresses that others choose: they must
 * not become a way in there (server-side request forgery).
 * @param allowed networks that may be reached although they are private, and without TLS
 * @param refusal the type of the problem that an address is refused with
 */
export function createAddressRules({
  allowed,
  refusal,
  resolveHost = resolveBySystem,
}: {
  allowed: 'all' | readonly string[]
  refusal: ProblemType
  resolveHost?: ResolveHost
}) {
  function refuse(detail: string, cause?: unknown) {
    return problem(refusal, detail, {}, { cause })
  }

  const refusedIpv4 = blockList(REFUSED_IPV4)
  const publicIpv6 = blockList(PUBLIC_IPV6)
  const refusedIpv6 = blockList(REFUSED_IPV6)
  const opened = blockList(allowed === 'all' ? [] : allowed)

  /**
   * For when an address is told and for each time it is used: what a name stands for can change.
   * @throws problem of the type `refusal`
   */
  async function check(text: string): Promise<CheckedAddress> {
    const url = readUrl(text)
    // The parser has made one form of decimal, octal, hexadecimal and shortened IPv4 addresses.
    const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
    const addresses = await addressesOf(host)
    for (const { address } of addresses) {
      if (isOpened(address)) continue
      const name = address === host ? address : `${host} (${address})`
      if (!isPublic(address)) throw refuse(`${name} is not on the public internet.`)
      if (url.protocol !== 'https:') throw refuse('Expected an address with https, found http.')
    }
    return { url, addresses }
  }

  function readUrl(text: string): URL {
    if (!URL.canParse(text)) throw refuse('Expected an address such as https://example.com/hotpatch.')
    const url = new URL(text)
    if (url.protocol !== 'https:' && url.protocol !== 'http:') throw refuse(`Expected https, found ${url.protocol}`)
    if (url.username !== '' || url.password !== '') throw refuse('Expected an address without a user and password.')
    if (url.hash !== '') throw refuse('Expected an address without a fragment (#…).')
    return url
  }

  async function addressesOf(host: string): Promise<readonly LookupAddress[]> {
    const family = isIP(host)
    if (family !== 0) return [{ address: host, family }]
    let addresses: readonly LookupAddress[]
    try {
      addresses = await resolveHost(host)
    } catch (cause) {
      throw refuse(`The name ${host} has no address.`, cause)
    }
    if (addresses.length === 0) throw refuse(`The name ${host} has no address.`)
    return addresses
  }

  function isOpened(address: string): boolean {
    return allowed === 'all' || opened.check(address, familyOf(address))
  }

  function isPublic(address: string): boolean {
    if (isIP(address) === 4) return !refusedIpv4.check(address, 'ipv4')
    // IPv4-mapped, NAT64 and the like are not within what is public.
    return isIP(address) === 6 && publicIpv6.check(address, 'ipv6') && !refusedIpv6.check(address, 'ipv6')
  }

  return { check }
}

function blockList(networks: readonly string[]): BlockList {
  const list = new BlockList()
  for (const network of networks) {
    const [address = '', bits] = network.split('/')
    const family = familyOf(address)
    list.addSubnet(address, Number(bits ?? (family === 'ipv4' ? 32 : 128)), family)
  }
  return list
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 4 ? 'ipv4' : 'ipv6'
}

function resolveBySystem(host: string): Promise<LookupAddress[]> {
  return lookup(host, { all: true, verbatim: true })
}
