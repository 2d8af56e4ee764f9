import { isNetwork, isWithin } from './networks.ts'

/** Whose word about clients' addresses is taken. */
export type TrustedProxies =
  | { kind: 'none' }
  /** So many proxies stand in a row before the server, and nobody can reach it past them. */
  | { kind: 'hops'; count: number }
  | { kind: 'networks'; networks: readonly string[] }

/**
 * @param address undefined of a connection that is gone already
 * @param hop 0 for whoever is connected, 1 for whom that one names, and so on
 */
export type IsTrustedProxy = (address: string | undefined, hop: number) => boolean

const MAX_HOPS = 10
const MAX_REMEMBERED = 1_000

const NAMED: Readonly<Record<string, readonly string[]>> = {
  loopback: ['127.0.0.0/8', '::1/128'],
  linklocal: ['169.254.0.0/16', 'fe80::/10'],
  uniquelocal: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'],
}

/** Undefined when it is neither a number of proxies nor a list of addresses and networks. */
export function readTrustedProxies(text: string): TrustedProxies | undefined {
  if (text === '' || text === 'false' || text === '0') return { kind: 'none' }
  if (/^\d+$/.test(text)) return Number(text) <= MAX_HOPS ? { kind: 'hops', count: Number(text) } : undefined
  const networks = readNetworks(text, Object.keys(NAMED))
  return networks && { kind: 'networks', networks: networks.flatMap((network) => NAMED[network] ?? [network]) }
}

/** Undefined when something in the list is neither an address, a network nor one of the names. */
export function readNetworks(text: string, names: readonly string[] = []): string[] | undefined {
  const networks = text.split(',').map((network) => network.trim())
  return networks.every((network) => names.includes(network) || isNetwork(network)) ? networks : undefined
}

export function createIsTrusted(proxies: TrustedProxies): IsTrustedProxy {
  switch (proxies.kind) {
    case 'none':
      return () => false
    case 'hops':
      return (_address, hop) => hop < proxies.count
    case 'networks': {
      const isKnown = remembering(isWithin(proxies.networks))
      return (address) => address !== undefined && isKnown(address)
    }
  }
}

/** There are few proxies, and looking one up in a list costs as much as a decision. */
function remembering(look: (address: string) => boolean): (address: string) => boolean {
  const known = new Map<string, boolean>()
  return (address) => {
    let answer = known.get(address)
    if (answer === undefined) {
      answer = look(address)
      if (known.size >= MAX_REMEMBERED) known.clear()
      known.set(address, answer)
    }
    return answer
  }
}
