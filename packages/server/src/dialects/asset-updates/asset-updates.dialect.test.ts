import { problemOf } from '@hotpatch/testkit'
import { describeDialect, FILES, type Asking } from '../testing/dialect-suite.ts'
import { assetUpdates } from './asset-updates.ts'

const check = ({ app, channel }: Asking, device: object) => ({
  url: '/api/v1/updates/check',
  headers: { 'x-app-key': app.appKey },
  body: { projectId: app.id, platform: 'android', channel, nativeVersion: '1.0', ...device },
})

describeDialect({
  dialect: assetUpdates(),
  offers: FILES,
  asks: {
    'POST /api/v1/updates/check': (asking) => check(asking, { deviceId: asking.deviceId }),
    'GET /api/v1/manifests/:id': ({ app, channel, releaseId }) => ({
      url: `/api/v1/manifests/${releaseId}?projectId=${app.slug}&channel=${channel}&platform=android`,
      headers: { 'x-app-key': app.appKey },
    }),
  },
  readRefusal: (response) => problemOf(response).split(' ')[1] ?? '',
  readOffer: ({ status, body }) => (status === 200 && body.updateAvailable ? body.update.version : null),
  askAnonymously: (asking) => check(asking, {}),
  explains: true,
})
