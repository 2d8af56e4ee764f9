import type { IncomingMessage } from 'node:http'
import { takenCodings } from '../../packages/server/src/ground/http/accept-encoding.ts'
import { addressPrefix } from '../../packages/server/src/ground/http/address-prefix.ts'
import { createClientOrigins } from '../../packages/server/src/ground/http/client-origin.ts'
import {
  createIsTrusted,
  readNetworks,
  readTrustedProxies,
} from '../../packages/server/src/ground/http/trusted-proxies.ts'
import { isWithin } from '../../packages/server/src/ground/http/networks.ts'
import { networkPrefix } from '../../packages/server/src/fleet/devices/network-prefix.ts'
import { readCookies } from '../../packages/server/src/people/accounts/sign-in/browser.ts'
import { readRetryAfter } from '../../packages/server/src/telling/webhooks/sending/retry-schedule.ts'
import { Broken, type Target } from '../engine/target.ts'
import { forEachReader, readerFor, textOf } from '../reading/texts.ts'

const proxies = readTrustedProxies('10.0.0.0/8,loopback,fd00::/8') ?? { kind: 'none' as const }
const origins = createClientOrigins(proxies, createIsTrusted(proxies))

const READERS: readonly ((text: string) => void)[] = [
  (text) => {
    takenCodings(text)
  },
  (text) => {
    const prefix = addressPrefix(text)
    if (prefix.length > 40) throw new Broken('a key of limits that grows with the header')
    networkPrefix(text)
  },
  (text) => {
    for (const [name, value] of readCookies(text)) {
      if (/[;=]/.test(name) || value.includes(';')) throw new Broken('a cookie with a separator in it')
    }
  },
  (text) => {
    const wait = readRetryAfter(text, 1_800_000_000_000)
    if (wait !== undefined && !(wait > 0)) throw new Broken('a wait that is none')
  },
  (text) => {
    const [remoteAddress = '', forwarded = '', host = '', scheme = ''] = text.split('\n')
    const headers = {
      host: 'updates.example.com',
      'x-forwarded-for': forwarded,
      'x-forwarded-host': host,
      'x-forwarded-proto': scheme,
    }
    const request = { headers, socket: { remoteAddress } } as unknown as IncomingMessage
    const address = origins.addressOf(request)
    if (typeof address !== 'string') throw new Broken('an address that is no text')
    origins.originOf(request)
    addressPrefix(address)
    if (remoteAddress === '192.0.2.1' && address !== remoteAddress)
      throw new Broken('a stranger who says who somebody else is')
  },
  (text) => {
    const networks = readNetworks(text)
    if (networks) isWithin(networks)('10.1.2.3')
    const read = readTrustedProxies(text)
    if (read) createIsTrusted(read)('10.1.2.3', 0)
  },
]

export const target: Target = {
  reads: 'Accept-Encoding, Cookie, Retry-After, addresses, and what proxies say',
  maxBytes: 300,
  read(input) {
    const [read, rest] = readerFor(READERS, input)
    read(textOf(rest))
  },
  refuses: () => false,
}

export function seeds() {
  return forEachReader(READERS.length, [
    'gzip, br;q=0.8, zstd;q=1.0, *;q=0',
    '::ffff:192.0.2.1',
    '[2001:db8::1]:443',
    'fe80::1%eth0',
    '192.0.2.1:8080',
    '__Host-session=abc; a=b=c;d',
    '120',
    'Wed, 21 Oct 2027 07:28:00 GMT',
    '10.0.0.1\n192.0.2.7, 10.1.1.1\nupdates.example.com\nhttps',
    '192.0.2.1\n10.0.0.1\nelsewhere.example\nhttp',
    '10.0.0.0/8,2001:db8::/32,loopback',
    '2',
  ])
}
