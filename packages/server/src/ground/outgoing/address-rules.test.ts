import { Problem } from '@hotpatch/protocol'
import { describe, expect, test } from 'vitest'
import { createAddressRules, type ResolveHost } from './address-rules.ts'

const PUBLIC = [{ address: '93.184.215.14', family: 4 }]
const resolveTo =
  (...addresses: string[]): ResolveHost =>
  () =>
    Promise.resolve(addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })))

const refusal = async (url: string, options: Partial<Parameters<typeof createAddressRules>[0]> = {}) => {
  const rules = createAddressRules({
    allowed: [],
    refusal: 'webhook-address-refused',
    resolveHost: () => Promise.resolve(PUBLIC),
    ...options,
  })
  const error = await rules.check(url).then(
    () => undefined,
    (error: unknown) => error,
  )
  if (error !== undefined && !(error instanceof Problem)) throw error
  return error && `${error.type}: ${error.message}`
}

describe('addresses that are refused', () => {
  test.each([
    // Loopback, in every spelling that a browser understands.
    'https://127.0.0.1/',
    'https://127.1/',
    'https://127.255.255.254/',
    'https://2130706433/',
    'https://0x7f000001/',
    'https://0x7f.0x0.0x0.0x1/',
    'https://017700000001/',
    'https://0177.0.0.01/',
    'https://１２７.０.０.１/',
    'https://127.0.0.1./',
    'https://[::1]/',
    'https://[0:0:0:0:0:0:0:1]/',
    'https://[::]/',
    'https://0.0.0.0/',
    'https://0/',
    // Private networks, carriers, link-local with the clouds' metadata.
    'https://10.0.0.1/',
    'https://172.16.0.1/',
    'https://172.31.255.255/',
    'https://192.168.1.1/',
    'https://100.64.0.1/',
    'https://100.100.100.200/latest/meta-data/',
    'https://169.254.169.254/latest/meta-data/',
    'https://0xa9fea9fe/',
    'https://168.63.129.16/',
    'https://192.0.0.192/',
    'https://198.18.0.1/',
    'https://192.0.2.1/',
    'https://198.51.100.1/',
    'https://203.0.113.1/',
    'https://192.88.99.1/',
    'https://224.0.0.1/',
    'https://239.255.255.250/',
    'https://240.0.0.1/',
    'https://255.255.255.255/',
    // IPv4 in disguise: mapped, compatible, NAT64, 6to4, Teredo.
    'https://[::ffff:127.0.0.1]/',
    'https://[::ffff:7f00:1]/',
    'https://[::ffff:8.8.8.8]/',
    'https://[::127.0.0.1]/',
    'https://[::ffff:0:127.0.0.1]/',
    'https://[64:ff9b::7f00:1]/',
    'https://[64:ff9b::a9fe:a9fe]/',
    'https://[64:ff9b:1::1]/',
    'https://[2002:7f00:1::]/',
    'https://[2001::1]/',
    // Of IPv6: unique local with metadata, link-local, site-local, multicast, documentation, discard.
    'https://[fd00:ec2::254]/',
    'https://[fc00::1]/',
    'https://[fe80::1]/',
    'https://[fec0::1]/',
    'https://[ff02::1]/',
    'https://[2001:db8::1]/',
    'https://[3fff::1]/',
    'https://[100::1]/',
  ])('%s', async (url) => {
    expect(await refusal(url)).toMatch(/^webhook-address-refused: .* is not on the public internet/)
  })

  test.each<[string, RegExp]>([
    ['http://example.com/', /https/],
    ['http://8.8.8.8/', /https/],
    ['ftp://example.com/', /https/],
    ['file:///etc/passwd', /https/],
    ['javascript:alert(1)', /https/],
    ['https://user:password@example.com/', /without a user/],
    ['https://example.com/#here', /fragment/],
    ['https://', /Expected an address/],
    ['https://[::1', /Expected an address/],
    ['https://1.2.3.4.5/', /Expected an address/],
    ['https://256.1.1.1/', /Expected an address/],
    ['example.com', /Expected an address/],
    ['', /Expected an address/],
  ])('%j', async (url, reason) => {
    const found = await refusal(url)
    expect(found).toMatch(/^webhook-address-refused: /)
    expect(found).toMatch(reason)
  })

  test.each([
    ['loopback', ['127.0.0.1']],
    ['one public and one private address', ['93.184.215.14', '10.0.0.1']],
    ['a mapped address', ['::ffff:10.0.0.1']],
    ['nothing', []],
  ])('a name that resolves to %s', async (_case, addresses) => {
    expect(await refusal('https://receiver.example/', { resolveHost: resolveTo(...addresses) })).toMatch(
      /^webhook-addr/,
    )
  })

  test('a name that does not resolve', async () => {
    const resolveHost = () => Promise.reject(new Error('ENOTFOUND'))
    expect(await refusal('https://receiver.example/', { resolveHost })).toMatch(/has no address/)
  })

  test('localhost, as this machine knows it', async () => {
    const rules = createAddressRules({ allowed: [], refusal: 'webhook-address-refused' })
    await expect(rules.check('https://localhost/')).rejects.toThrow('public internet')
  })
})

describe('addresses that are taken', () => {
  test.each(['https://example.com/', 'https://example.com:8443/a?b=c', 'https://8.8.8.8/', 'https://[2606:4700::1]/'])(
    '%s',
    async (url) => expect(await refusal(url)).toBeUndefined(),
  )

  test('those of networks that were opened, also without TLS, and no others', async () => {
    const allowed = ['10.0.0.0/8', '127.0.0.1', 'fd00::/8']
    for (const url of ['http://10.1.2.3/', 'https://10.1.2.3/', 'http://127.0.0.1:3000/', 'http://[fd00::1]/']) {
      expect(await refusal(url, { allowed })).toBeUndefined()
    }
    for (const url of ['http://192.168.0.1/', 'http://127.0.0.2/', 'http://[fe80::1]/', 'http://8.8.8.8/']) {
      expect(await refusal(url, { allowed })).toMatch(/^webhook-address-refused/)
    }
  })

  test('all of them, when all are opened', async () => {
    expect(await refusal('http://169.254.169.254/', { allowed: 'all' })).toBeUndefined()
    expect(await refusal('ftp://10.0.0.1/', { allowed: 'all' })).toMatch(/^webhook-address-refused/)
  })
})
