import { expect } from 'vitest'
import { APKS, describeDialect } from '../testing/dialect-suite.ts'
import { appcast } from './appcast.ts'

describeDialect({
  dialect: appcast(),
  offers: APKS,
  asks: {
    'GET /appcast.xml': ({ channel }) => ({ url: `/appcast.xml?for=upgrader&channel=${channel}` }),
    'GET /channels/:channel/appcast.xml': ({ channel }) => ({ url: `/channels/${channel}/appcast.xml?for=upgrader` }),
  },
  readRefusal({ headers, body }) {
    expect(headers['content-type']).toBe('text/plain; charset=utf-8')
    return /^([\w-]+): \S.*\n$/s.exec(String(body))?.[1] ?? ''
  },
  readOffer: ({ status, body }) =>
    status === 200 ? (/<sparkle:version>([^<]+)</.exec(String(body))?.[1] ?? null) : null,
  askAnonymously: { skip: 'a feed is for nobody in particular' },
  explains: { skip: 'a feed knows no device' },
})
