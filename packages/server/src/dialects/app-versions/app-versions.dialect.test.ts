import { expect } from 'vitest'
import { APKS, describeDialect, type Asking } from '../testing/dialect-suite.ts'
import { appVersions } from './app-versions.ts'

const check = ({ channel }: Asking, device: object) => ({
  url: '/api/updates/check',
  body: { platform: 'android', current_version: '0.9.0+1', channel, ...device },
})

describeDialect({
  dialect: appVersions(),
  offers: APKS,
  asks: {
    'POST /api/updates/check': (asking) => check(asking, { device_id: asking.deviceId }),
    'GET /api/updates/latest': ({ channel }) => ({ url: `/api/updates/latest?platform=android&channel=${channel}` }),
  },
  readRefusal({ headers, body }) {
    expect(headers['content-type']).toBe('application/json; charset=utf-8')
    expect(body).toEqual({ ok: false, error: expect.any(String), message: expect.stringMatching(/\S/) })
    return body.error
  },
  readOffer: ({ status, body }) => {
    if (status !== 200) return null
    if ('ok' in body) return body.version
    return body.update_available ? body.latest_version : null
  },
  askAnonymously: (asking) => check(asking, {}),
  explains: true,
})
