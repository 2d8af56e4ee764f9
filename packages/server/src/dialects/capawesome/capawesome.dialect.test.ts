import { expect } from 'vitest'
import { describeDialect, type Asking } from '../testing/dialect-suite.ts'
import { capawesome } from './capawesome.ts'

const [CHECK, FILES, CHANNELS] = capawesome().routes.map(({ method, path }) => `${method} ${path}`) as [
  string,
  string,
  string,
]

const latest = ({ app, channel }: Asking, deviceId: string) => {
  const told = {
    appVersionCode: '9',
    appVersionName: '0.9.0',
    bundleId: '',
    channelName: channel,
    customId: '',
    deviceId,
    osVersion: '35',
    platform: '0',
    pluginVersion: '8.4.3',
  }
  return { url: `/v1/apps/${app.slug}/bundles/latest?${new URLSearchParams(told)}` }
}

describeDialect({
  dialect: capawesome(),
  asks: {
    [CHECK]: (asking) => latest(asking, asking.deviceId),
    [FILES]: ({ app, channel, releaseId }) => ({
      url: `/v1/apps/${app.slug}/channels/${channel}/android/bundles/${releaseId}?href=index.html`,
    }),
    [CHANNELS]: ({ app, deviceId }) => ({
      url: `/v1/apps/${app.slug}/channels?limit=10&offset=0&query=prod`,
      headers: { 'x-capawesome-device-id': deviceId },
    }),
  },
  openChannels: ['production'],
  readRefusal({ headers, body }) {
    expect(headers['content-type']).toBe('application/json; charset=utf-8')
    expect(body.message).toMatch(/\S/)
    return body.code
  },
  readOffer: ({ status, body }) => (status === 200 ? body.customProperties.version : null),
  // On iOS there may be none for a while.
  askAnonymously: (asking) => latest(asking, ''),
  explains: true,
})
