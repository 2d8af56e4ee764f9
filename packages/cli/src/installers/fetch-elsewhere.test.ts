import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { completeContext } from '../process/context.ts'
import { createCollector } from '../testing/run-tool.ts'
import { fetchElsewhere, type ExpectedBytes } from './fetch-elsewhere.ts'

const BYTES = Buffer.from('an installer')
const SHA256 = createHash('sha256').update(BYTES).digest('hex')

/** What lies at which address, and what was asked for on the way. */
function fetched(answers: Record<string, () => Response>, url: string, expected: ExpectedBytes = {}) {
  const asked: string[] = []
  const fetch = async (input: string | URL | Request, init?: RequestInit) => {
    const address = input instanceof Request ? input.url : input.toString()
    asked.push(address)
    expect([init?.redirect, new Headers(init?.headers).get('accept-encoding')]).toEqual(['manual', 'identity'])
    return answers[address]?.() ?? new Response('', { status: 404 })
  }
  const context = completeContext({ env: {}, cwd: '/', stdout: createCollector(), stderr: createCollector() })
  return fetchElsewhere(context, fetch, url, expected).then(
    (found) => ({ asked, found, error: undefined }),
    (error: Error) => ({ asked, found: undefined, error: error.message }),
  )
}

const leadsTo = (location: string) => () => new Response(null, { status: 302, headers: { location } })
const bytes = (headers = {}) => new Response(BYTES, { headers })

test('bytes are measured where redirects lead', async () => {
  const answers = {
    'https://a.test/x/app.apk': leadsTo('../y'),
    'https://a.test/y': leadsTo('https://b.test/z'),
    'https://b.test/z': bytes,
  }
  expect(await fetched(answers, 'https://a.test/x/app.apk')).toMatchObject({
    found: { url: 'https://a.test/x/app.apk', name: 'app.apk', sha256: SHA256, sizeBytes: BYTES.length },
  })
})

test.each(['http://a.test/app.apk', 'file:///etc/passwd', 'http://169.254.169.254/latest', 'ftp://a.test/app.apk'])(
  'a redirect to %s is not followed: whoever is in between could put other bytes there',
  async (location) => {
    const { error, asked } = await fetched(
      { 'https://a.test/app.apk': leadsTo(location), [location]: bytes },
      'https://a.test/app.apk',
    )
    expect(error).toMatch(/leads to .* not https/)
    expect(asked).toEqual(['https://a.test/app.apk'])
  },
)

test.each<[string, Record<string, () => Response>, RegExp]>([
  ['goes round in a circle', { 'https://a.test/app.apk': leadsTo('/app.apk') }, /more than 5 redirects/],
  ['leads nowhere', { 'https://a.test/app.apk': leadsTo('https://[') }, /leads to https:\/\/\[/],
  ['is packed for the way', { 'https://a.test/app.apk': () => bytes({ 'content-encoding': 'gzip' }) }, /gzip/],
  ['is empty', { 'https://a.test/app.apk': () => new Response('') }, /nothing in it/],
  ['is not there', {}, /answers 404/],
])('what %s is refused', async (_what, answers, message) => {
  expect((await fetched(answers, 'https://a.test/app.apk')).error).toMatch(message)
})

test('more bytes than were told are not read to their end', async () => {
  const answers = { 'https://a.test/app.apk': bytes }
  expect((await fetched(answers, 'https://a.test/app.apk', { sizeBytes: 3 })).error).toMatch(/more than 3 bytes/)
})

test('an address is written as everybody can read it', async () => {
  const { found } = await fetched({ 'https://a.test/gr%C3%B6%C3%9Fe.apk': bytes }, 'https://a.test/größe.apk')
  expect(found).toMatchObject({ url: 'https://a.test/gr%C3%B6%C3%9Fe.apk', name: 'größe.apk' })
})

test.each(['https://a.test/%zz.apk', 'https://[/a.apk', 'https://a.test:99999/a.apk', 'https://a:b@a.test/a.apk'])(
  'an address that is none is a mistake of whoever typed it: %s',
  async (url) => {
    const { error, asked } = await fetched({}, url)
    expect([error, asked]).toEqual([expect.stringMatching(/Expected an address|no file name/), []])
  },
)
