import { problemOf } from '@hotpatch/testkit'
import { describeDialect } from '../testing/dialect-suite.ts'
import { hotPatchEvents } from './hotpatch.ts'

describeDialect({
  dialect: hotPatchEvents(),
  asks: {
    'POST /events': ({ app, deviceId, channel, releaseId }) => ({
      url: '/events',
      headers: { 'x-app-key': app.appKey },
      body: { deviceId, platform: 'android', channel, events: [{ id: 'one', kind: 'applied', releaseId }] },
    }),
  },
  readRefusal: (response) => problemOf(response).slice('400 '.length),
  readOffer: () => null,
  askAnonymously: { skip: 'it offers nothing' },
  explains: { skip: 'it offers nothing' },
})
