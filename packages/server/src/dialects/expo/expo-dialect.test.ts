import { publishFiles, sha256Of } from '@hotpatch/testkit'
import { expect } from 'vitest'
import type { OfferedRelease } from '../../updates/catalog-queries.ts'
import { describeDialect, type Asking, type OfferedKind } from '../testing/dialect-suite.ts'
import { expo } from './expo.ts'
import { exportOf } from '@hotpatch/testkit/expo'

const SHA_256 = 'a'.repeat(64)
/** Of the bundle of the release 1.0.0: its version. */
const BUNDLE_SHA_256 = sha256Of(Buffer.from('1.0.0'))
const told = ({ channel }: Pick<Asking, 'channel'>) => ({
  accept: 'multipart/mixed,application/expo+json,application/json',
  'expo-platform': 'android',
  'expo-protocol-version': '1',
  'expo-runtime-version': '1.0.0',
  'expo-channel-name': channel,
})

const ask = (asking: Asking, more: Record<string, string> = {}) => ({
  url: `/expo/${asking.app.slug}/manifest`,
  headers: { ...told(asking), ...more },
})

const release: OfferedRelease = {
  id: '01890000-0000-7000-8000-000000000001',
  version: '1.0.0',
  sequence: 1,
  floor: 0,
  keyId: null,
  isStated: false,
  requirement: { runtimeVersion: '1.0.0' },
  kind: 'files',
  content: { kind: 'files', sha256: SHA_256, sizeBytes: 1, fileCount: 1, totalBytes: 1, exportedBy: 'expo' },
  exportedBy: 'expo',
  held: heldOf('png'),
  variants: [],
  notes: '',
  signature: null,
  statement: null,
  statementSignature: null,
}

function heldOf(ext: string): OfferedRelease['held'] {
  const path = 'assets/d41d8cd98f00b204e9800998ecf8427e'
  const file = { sha256: SHA_256, sizeBytes: 1, contentType: 'application/octet-stream', brotli: null }
  const files = ['index.hbc', path].map((each) => ({ ...file, path: each }))
  return { files, exported: { platform: 'android', bundle: 'index.hbc', assets: [{ path, ext }] } }
}

const EXPORTS: OfferedKind = {
  platforms: ['android', 'ios'],
  publish: (server, app, placed) =>
    publishFiles(server, app, {
      files: exportOf({ bundle: placed.version, config: { name: 'Demo', slug: 'demo', version: placed.version } }),
      platform: 'android',
      runtimeVersion: '1.0.0',
      ...placed,
    }),
  release,
  broken: { ...release, held: heldOf('../png') },
  params: { app: 'demo' },
}

describeDialect({
  dialect: expo(),
  asks: {
    'GET /expo/:app/manifest': (asking) => ask(asking, { 'eas-client-id': asking.deviceId }),
    'GET /expo/:app/assets/:sha256': (asking) => ({
      url: `/expo/${asking.app.slug}/assets/${BUNDLE_SHA_256}`,
      headers: told(asking),
    }),
  },
  readRefusal({ headers, body }) {
    expect(headers['content-type']).toBe('application/json; charset=utf-8')
    expect(body.message).toMatch(/\S/)
    return body.code
  },
  readOffer({ status, body }) {
    if (status === 204) return null
    const [, json = ''] = /\r\n\r\n(.*)\r\n--/s.exec(String(body)) ?? []
    return JSON.parse(json).extra.expoClient.version
  },
  askAnonymously: ask,
  explains: true,
  offers: EXPORTS,
})
