import { newMinisignKey, publishBinary, sha256Of, windowsProgram } from '@hotpatch/testkit'
import { expect } from 'vitest'
import { binaryRelease, describeDialect, type Asking } from '../testing/dialect-suite.ts'
import { tauri } from './tauri.ts'

const WORDS = ':channel/:target/:arch/:version'
const words = ({ channel }: Asking) => `${channel}/windows/x86_64/0.9.0?bundle_type=nsis`

const signature = { scheme: 'minisign', subject: 'a'.repeat(64), value: 'QUFB' } as const
const file = {
  name: 'Demo_1.0.0_x64-setup.exe',
  platform: 'windows',
  architecture: 'x86_64',
  format: 'exe',
  sha256: 'a'.repeat(64),
  sizeBytes: 1,
  signatures: [signature],
} as const

describeDialect({
  dialect: tauri(),
  asks: {
    [`GET /tauri/:app/${WORDS}`]: (asking) => ({
      url: `/tauri/${asking.app.slug}/${words(asking)}`,
      headers: { 'x-device-id': asking.deviceId },
    }),
    [`GET /tauri/${WORDS}`]: (asking) => ({
      url: `/tauri/${words(asking)}`,
      headers: { 'x-device-id': asking.deviceId },
    }),
  },
  readRefusal({ headers, body }) {
    expect(headers['content-type']).toBe('application/json; charset=utf-8')
    expect(body.message).toMatch(/\S/)
    return body.code
  },
  readOffer: ({ status, body }) => (status === 200 ? body.version : null),
  askAnonymously: (asking) => ({ url: `/tauri/${words(asking)}` }),
  explains: true,
  offers: {
    platforms: ['windows', 'macos', 'linux'],
    async publish(server, app, placed) {
      const key = newMinisignKey()
      const bytes = windowsProgram(Buffer.from(placed.version))
      const name = `Demo_${placed.version}_x64-setup.exe`
      const published = await publishBinary(server, app, { platform: 'windows', files: [{ name, bytes }], ...placed })
      const at = `/manage/v1/apps/${app.slug}`
      const added = await server.request('POST', `${at}/keys`, { body: { algorithm: 'minisign', publicKey: key.line } })
      const signatures = [{ subject: sha256Of(bytes), value: key.signFile(bytes, { version: placed.version }) }]
      const body = { scheme: 'minisign', keyId: added.body.id, signatures }
      const signed = await server.request('POST', `${at}/releases/${published.releaseId}/signatures`, { body })
      expect(signed.status).toBe(200)
      return published
    },
    release: binaryRelease(file),
    broken: binaryRelease({ ...file, signatures: [{ ...signature, value: 'not base64' }] }),
    params: { target: 'windows', arch: 'x86_64' },
  },
})
