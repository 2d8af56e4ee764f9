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
  expect(createPlainReader(config).read(name)).toEqual({ kind: 'plain', value })
})

test.each([['url'], ['channelUrl'], ['updateUrl'], ['version']])('what %s is, a program works out', (name) => {
  expect(createPlainReader(config).read(name)).toEqual({ kind: 'computed' })
})

test.each([['appName'], ['serverDomain'], ['CapacitorConfig']])('%s is not there', (name) => {
  expect(createPlainReader(config).read(name)).toEqual({ kind: 'absent' })
})

test('JSON is read the same way, and rubbish says nothing', () => {
  const json = JSON.stringify({ webDir: 'www', plugins: { LiveUpdate: { serverDomain: 'updates.example.com' } } })
  expect(createPlainReader(json).read('serverDomain')).toEqual({ kind: 'plain', value: 'updates.example.com' })
  expect(createPlainReader('{"webDir": "').read('webDir')).toEqual({ kind: 'computed' })
  expect(createPlainReader('').read('webDir')).toEqual({ kind: 'absent' })
})

test('names are read where they stand', () => {
  const reader = createPlainReader(config)
  const updater = reader.within('plugins')?.within('CapacitorUpdater')
  expect(updater?.read('version')).toEqual({ kind: 'plain', value: 'one' })
  expect(updater?.read('appId')).toEqual({ kind: 'absent' })
  expect(reader.without('plugins').read('version')).toEqual({ kind: 'absent' })
  expect(reader.without('plugins').read('webDir')).toEqual({ kind: 'plain', value: 'dist/app' })
  expect([reader.within('appId'), reader.within('nowhere')]).toEqual([undefined, undefined])
  expect(createPlainReader('{ "plugins": {').within('plugins')?.read('a')).toEqual({ kind: 'absent' })
})
