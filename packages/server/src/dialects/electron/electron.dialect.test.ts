import { publishBinary, windowsProgram } from '@hotpatch/testkit'
import { parse } from 'yaml'
import { expect } from 'vitest'
import { binaryRelease, describeDialect, type Asking } from '../testing/dialect-suite.ts'
import { electron } from './electron.ts'

const FILES = 'files/:channel/:platform/:version/:architecture/:name'
const channelFile = ({ channel }: Asking) => `${channel === 'production' ? 'latest' : channel}.yml`
const file = ({ channel }: Asking) => `files/${channel}/windows/1.0.0/x64/Demo%20Setup.exe`
const withId = ({ deviceId }: Asking) => ({ 'x-user-staging-id': deviceId })

const offered = {
  name: 'Demo Setup.exe',
  platform: 'windows',
  architecture: 'x64',
  format: 'exe',
  sha256: 'a'.repeat(64),
  sha512: `${'A'.repeat(86)}==`,
  sizeBytes: 1,
} as const

describeDialect({
  dialect: electron(),
  asks: {
    'GET /electron/:app/:file': (asking) => ({
      url: `/electron/${asking.app.slug}/${channelFile(asking)}`,
      headers: withId(asking),
    }),
    'GET /electron/:file': (asking) => ({ url: `/electron/${channelFile(asking)}`, headers: withId(asking) }),
    [`GET /electron/:app/${FILES}`]: (asking) => ({ url: `/electron/${asking.app.slug}/${file(asking)}` }),
    [`GET /electron/${FILES}`]: (asking) => ({ url: `/electron/${file(asking)}` }),
  },
  readRefusal({ headers, body }) {
    expect(headers['content-type']).toBe('application/json; charset=utf-8')
    expect(body.message).toMatch(/\S/)
    return body.code
  },
  readOffer: ({ status, body }) => (status === 200 ? (parse(body) as { version: string }).version : null),
  askAnonymously: (asking) => ({ url: `/electron/${channelFile(asking)}` }),
  explains: { skip: 'a device asks by the address of a feed: electron.test.ts' },
  offers: {
    platforms: ['windows', 'macos', 'linux'],
    publish: (server, app, changes) =>
      publishBinary(server, app, {
        platform: 'windows',
        files: [{ name: 'Demo Setup.exe', bytes: windowsProgram(Buffer.from(changes.version)) }],
        ...changes,
      }),
    release: binaryRelease(offered),
    broken: binaryRelease({ ...offered, sha512: 'not a digest' }),
    params: { file: 'latest.yml' },
  },
})
