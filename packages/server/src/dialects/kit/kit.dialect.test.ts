import { requirementOfKit, statedKit, writeStatement } from '@hotpatch/protocol'
import { kitContentOf, newMinisignKey, newSigningKey, publishKit, type TestSigningKey } from '@hotpatch/testkit'
import { expect } from 'vitest'
import type { OfferedRelease } from '../../updates/catalog-queries.ts'
import { NOTHING_HELD } from '../../updates/held-files.ts'
import { describeDialect, type Asking } from '../testing/dialect-suite.ts'
import { kit } from './kit.ts'

const ID = '01890000-0000-7000-8000-000000000001'
const SIGNATURE = `${'A'.repeat(86)}==`

const content = kitContentOf({ gateway: { bytes: 'gateway' } }, { releaseId: '1.0.0' })
const statement = writeStatement({
  appId: ID,
  platform: 'any',
  target: 'release',
  version: '1.0.0',
  sequence: 1,
  floor: 0,
  requirement: requirementOfKit(content),
  ...statedKit(content),
  createdAt: '2027-01-01T00:00:00Z',
})

const RELEASE: OfferedRelease = {
  id: ID,
  version: '1.0.0',
  sequence: 1,
  floor: 0,
  keyId: '0123456789abcdef',
  isStated: true,
  requirement: {},
  kind: 'kit',
  content: { kind: 'kit', sha256: 'a'.repeat(64), sizeBytes: 1 },
  held: NOTHING_HELD,
  variants: [],
  notes: '',
  signature: null,
  statement,
  statementSignature: SIGNATURE,
}

/** One for each app, as every kit is signed. */
const keys = new Map<string, { key: TestSigningKey; sequence: number }>()

const asks = ({ app, deviceId, channel }: Asking, ending = '') => ({
  url: `/personal-kit/${channel}/latest.json${ending}`,
  headers: {
    'x-app-key': app.appKey,
    'x-install-id': deviceId,
    'x-installer-version': '1.4.0',
    'x-kit-platform': 'linux',
    'x-kit-architecture': 'x64',
  },
})

describeDialect({
  dialect: kit(),
  asks: {
    'GET /personal-kit/:channel/latest.json': (asking) => asks(asking),
    'GET /personal-kit/:channel/latest.json.sig': (asking) => asks(asking, '.sig'),
    'GET /personal-kit/:channel/latest.json.minisig': (asking) => asks(asking, '.minisig'),
  },
  readRefusal({ headers, body }) {
    expect(headers['content-type']).toBe('application/json; charset=utf-8')
    expect(body.message).toMatch(/\S/)
    return body.code
  },
  readOffer: ({ status, headers }) => (status === 200 ? String(headers['kit-release']) : null),
  askAnonymously: ({ app, channel }) => ({
    url: `/personal-kit/${channel}/latest.json`,
    headers: { 'x-app-key': app.appKey },
  }),
  explains: true,
  offers: {
    platforms: ['linux', 'macos'],
    async publish(server, app, { version, percentage }) {
      const known = keys.get(app.id) ?? { key: newSigningKey(), sequence: 0 }
      keys.set(app.id, known)
      known.sequence += 1
      const published = await publishKit(server, app, {
        key: known.key,
        sequence: known.sequence,
        components: { gateway: { bytes: `gateway ${version}` }, web: { bytes: 'web' } },
        release: { releaseId: version, channel: 'production' },
        metadata: { ...(percentage !== undefined && { percentage }) },
      })
      const minisign = newMinisignKey()
      const at = `/manage/v1/apps/${app.slug}`
      const body = { algorithm: 'minisign', publicKey: minisign.line }
      const { id: keyId } = (await server.request('POST', `${at}/keys`, { body })).body
      const signatures = [{ value: minisign.signFile(Buffer.from(published.statement)) }]
      const signed = await server.request('POST', `${at}/releases/${published.releaseId}/signatures`, {
        body: { scheme: 'minisign', keyId, signatures },
      })
      expect(signed.status).toBe(200)
      return published
    },
    release: RELEASE,
    broken: { ...RELEASE, version: '1.0.1' },
    params: { channel: 'production' },
  },
})
