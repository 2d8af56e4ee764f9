import { expect, test } from 'vitest'
import { createPlainReader } from './plain-values.ts'

const config = `
import type { CapacitorConfig } from '@capacitor/cli'
// webDir: 'commented'
/* webDir: 'also commented' */
const config: CapacitorConfig = {
  appId: "com.example.app", // from https://example.com
  'webDir': 'dist/app',
  server: { url: process.env.URL },
  plugins: {
    CapacitorUpdater: {
      autoUpdate: false,
      appReadyTimeout: 15000,
      statsUrl: 'https://updates.example.com/a' + \`/stats\`,
      channelUrl: \`\${base}/channel_self\`,
      publicKey: '-----BEGIN RSA PUBLIC KEY-----\\nMII\\u0042\\n-----END RSA PUBLIC KEY-----\\n',
      updateUrl: isTest ? 'https://a.example.com' : 'https://b.example.com',
      version: 'one',
    },
    Other: { version: 'two', label: 'appName: "no key"' },
  },
}
export default config
`

test.each([
  ['appId', 'com.example.app'],
  ['webDir', 'dist/app'],
  ['autoUpdate', false],
  ['appReadyTimeout', 15000],
  ['statsUrl', 'https://updates.example.com/a/stats'],
  ['publicKey', '-----BEGIN RSA PUBLIC KEY-----\nMIIB\n-----END RSA PUBLIC KEY-----\n'],
])('%s stands there plainly', (name, value) => {
  expect(createPlainReader(config)(name)).toEqual({ kind: 'plain', value })
})

test.each([['url'], ['channelUrl'], ['updateUrl'], ['version']])('what %s is, a program works out', (name) => {
  expect(createPlainReader(config)(name)).toEqual({ kind: 'computed' })
})

test.each([['appName'], ['serverDomain'], ['CapacitorConfig']])('%s is not there', (name) => {
  expect(createPlainReader(config)(name)).toEqual({ kind: 'absent' })
})

test('JSON is read the same way, and rubbish says nothing', () => {
  const json = JSON.stringify({ webDir: 'www', plugins: { LiveUpdate: { serverDomain: 'updates.example.com' } } })
  expect(createPlainReader(json)('serverDomain')).toEqual({ kind: 'plain', value: 'updates.example.com' })
  expect(createPlainReader('{"webDir": "')('webDir')).toEqual({ kind: 'computed' })
  expect(createPlainReader('')('webDir')).toEqual({ kind: 'absent' })
})
