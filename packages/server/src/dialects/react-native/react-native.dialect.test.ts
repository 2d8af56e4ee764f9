import { problemOf } from '@hotpatch/testkit'
import { describeDialect, type Asking } from '../testing/dialect-suite.ts'
import { reactNative } from './react-native.ts'

const withKey = ({ app }: Asking) => ({ 'x-app-key': app.appKey })
const told = ({ deviceId, channel }: Asking) => ({ deviceId, platform: 'android', channel, version: '0.9.0' })

describeDialect({
  dialect: reactNative(),
  asks: {
    'GET /update/check': (asking) => ({
      url: `/update/check?${new URLSearchParams(told(asking)).toString()}`,
      headers: withKey(asking),
    }),
    'POST /update/check': (asking) => ({ url: '/update/check', headers: withKey(asking), body: told(asking) }),
    'POST /installations': (asking) => ({
      url: '/installations',
      headers: withKey(asking),
      body: { ...told(asking), status: 'applied', releaseId: asking.releaseId },
    }),
    'POST /devices': (asking) => ({ url: '/devices', headers: withKey(asking), body: told(asking) }),
  },
  readRefusal: (response) => problemOf(response).slice('400 '.length),
  readOffer: ({ body }) => (body.updateAvailable ? body.version : null),
  askAnonymously: { skip: "the contract's clients all tell an id" },
  explains: true,
})
