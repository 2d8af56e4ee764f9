import { expect } from 'vitest'
import { describeDialect, type Asking } from '../testing/dialect-suite.ts'
import { capgo } from './capgo.ts'

const TYPES: Readonly<Record<string, string>> = {
  no_channel: 'channel-not-found',
  invalid_json_body: 'malformed-json',
  invalid_platform: 'invalid-request',
  missing_device_id: 'invalid-request',
  missing_app_id: 'invalid-request',
  missing_channel: 'invalid-request',
  channel_self_set_not_allowed: 'forbidden',
}

const told = ({ deviceId, channel }: Asking) => ({
  platform: 'android',
  device_id: deviceId,
  app_id: 'com.example.app',
  custom_id: '',
  version_build: '0.9.0',
  version_code: '9',
  version_os: '15',
  version_name: '0.9.0',
  plugin_version: '8.51.23',
  is_emulator: false,
  is_prod: true,
  install_source: 'google_play',
  defaultChannel: channel,
})
const query = (asking: Asking) =>
  new URLSearchParams(Object.entries(told(asking)).map(([name, value]): [string, string] => [name, `${value}`]))

describeDialect({
  dialect: capgo(),
  asks: {
    'POST /capgo/updates': (asking) => ({ url: '/capgo/updates', body: told(asking) }),
    'POST /capgo/updates/manifest_size': (asking) => ({
      url: '/capgo/updates/manifest_size',
      body: { ...told(asking), version: '1.0.0', manifest: [] },
    }),
    'POST /capgo/stats': (asking) => ({
      url: '/capgo/stats',
      body: { ...told(asking), version_name: '1.0.0', old_version_name: '', action: 'set', timestamp: 1 },
    }),
    'GET /capgo/channel_self': (asking) => ({ url: `/capgo/channel_self?${query(asking)}` }),
    'PUT /capgo/channel_self': (asking) => ({ url: '/capgo/channel_self', body: told(asking) }),
    'POST /capgo/channel_self': (asking) => ({
      url: '/capgo/channel_self',
      body: { ...told(asking), channel: asking.channel },
    }),
    'DELETE /capgo/channel_self': (asking) => ({ url: `/capgo/channel_self?${query(asking)}` }),
  },
  openChannels: ['production'],
  readRefusal({ headers, body }) {
    expect(headers['content-type']).toBe('application/json; charset=utf-8')
    expect(body.message).toMatch(/\S/)
    return TYPES[body.error] ?? String(body.error).replaceAll('_', '-')
  },
  readOffer: ({ body }) => (body.error === undefined ? body.version : null),
  askAnonymously: { skip: 'the plugin always tells an id' },
  explains: true,
})
