import { zipOf } from '@hotpatch/testkit'
import { expect } from 'vitest'
import type { OfferedRelease } from '../../updates/catalog-queries.ts'
import { NOTHING_HELD } from '../../updates/held-files.ts'
import { describeDialect, type Ask, type Asking, type OfferedKind } from '../testing/dialect-suite.ts'
import { hotUpdater } from './hot-updater.ts'
import { buildIdAt, buildOf } from './testing/hot-updater-build.ts'

const SHA_256 = 'a'.repeat(64)
const EMBEDDED = buildIdAt(Date.parse('2026-01-01'))

/** Each version is another build, later than that of a lower one. */
const buildIdOf = (version: string) => buildIdAt(Date.parse('2026-02-01'), Number(version.replaceAll('.', '')))

const below = (strategy: string, asking: Asking, { isNamed = true, cohort = '' } = {}) => {
  const own = `${EMBEDDED}/${EMBEDDED}`
  const base = isNamed ? `/hot-updater/${asking.app.slug}` : '/hot-updater'
  return `${base}/${strategy}/android/1.0.0/${asking.channel}/${own}${cohort}`
}

const told = ({ deviceId }: Asking): Ask['headers'] => ({
  'hot-updater-sdk-version': '0.36.3',
  'content-type': 'application/json',
  'x-device-id': deviceId,
})

const release: OfferedRelease = {
  id: '01890000-0000-7000-8000-000000000001',
  version: '1.0.0',
  sequence: 1,
  floor: 0,
  keyId: null,
  isStated: false,
  requirement: {},
  content: { kind: 'archive', sha256: SHA_256, sizeBytes: 1, buildId: buildIdOf('1.0.0') },
  exportedBy: 'hot-updater',
  buildId: buildIdOf('1.0.0'),
  held: NOTHING_HELD,
  variants: [],
  notes: '',
  signature: null,
  statement: null,
  statementSignature: null,
}

const BUILDS: OfferedKind = {
  platforms: ['android', 'ios'],
  async publish(server, app, placed) {
    const bundle = await zipOf(buildOf(buildIdOf(placed.version), { 'index.android.bundle': placed.version }))
    return server.published(app, { bundle, platform: 'android', notes: placed.version, ...placed })
  },
  release,
  broken: { ...release, content: { kind: 'archive', sizeBytes: 1, sha256: 'not a digest' } },
  params: {
    app: 'demo',
    platform: 'android',
    appVersion: '1.0.0',
    channel: 'production',
    minBundleId: EMBEDDED,
    bundleId: EMBEDDED,
  },
}

const CHECKS = '/:platform/:appVersion/:channel/:minBundleId/:bundleId'
const BY_FINGERPRINT = '/:platform/:fingerprintHash/:channel/:minBundleId/:bundleId'
const asksBelow = (base: string, isNamed: boolean): Record<string, (asking: Asking) => Ask> => ({
  [`GET ${base}/app-version${CHECKS}`]: (asking) => ({
    url: below('app-version', asking, { isNamed }),
    headers: told(asking),
  }),
  [`GET ${base}/app-version${CHECKS}/:cohort`]: (asking) => ({
    url: below('app-version', asking, { isNamed, cohort: '/17' }),
    headers: told(asking),
  }),
  [`GET ${base}/fingerprint${BY_FINGERPRINT}`]: (asking) => ({
    url: below('fingerprint', asking, { isNamed }),
    headers: told(asking),
  }),
  [`GET ${base}/fingerprint${BY_FINGERPRINT}/:cohort`]: (asking) => ({
    url: below('fingerprint', asking, { isNamed, cohort: '/beta-testers' }),
    headers: told(asking),
  }),
  [`GET ${base}/version`]: ({ app }) => ({
    url: isNamed ? `/hot-updater/${app.slug}/version` : '/hot-updater/version',
  }),
})

describeDialect({
  dialect: hotUpdater(),
  asks: { ...asksBelow('/hot-updater/:app', true), ...asksBelow('/hot-updater', false) },
  readRefusal({ headers, body }) {
    expect(headers['content-type']).toBe('application/json; charset=utf-8')
    expect(body.message).toMatch(/\S/)
    return body.error
  },
  readOffer: ({ body }) => (body.status === 'UPDATE' ? body.message : null),
  askAnonymously: (asking) => ({ url: below('app-version', asking) }),
  explains: true,
  offers: BUILDS,
})
