import { lstat, readFile, rename, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { useServer } from '../testing/server-suite.ts'

const server = useServer()

const APP_JSON = `{
    "expo": {
        "name": "Shop",   "slug": "shop",
        "platforms": ["ios", "android"],
        "plugins": [
            "expo-updates", ["expo-camera", { "text": "a \\"b\\", {c}" }]
        ],
        "updates": { "fallbackToCacheTimeout": 0 },
        "version": "1.4.0"
    },
    "other": 1e3
}
`

/** With a key of RSA, for code signing; made once with `npx expo-updates codesigning:generate`. */
const CERTIFICATE = readFile(new URL('../testing/expo-certificate.pem', import.meta.url), 'utf8')

async function createExpoApp(files: Record<string, string>, { isOpen = true } = {}) {
  const publisher = await server.createPublisher()
  if (isOpen) await publisher.json(`apps set ${publisher.app.slug} --check-access open --yes`)
  await publisher.write({ 'package.json': '{"dependencies":{"expo":"57"}}', ...files })
  const text = (name = 'app.json') => readFile(join(publisher.cwd, name), 'utf8')
  return { ...publisher, text, address: `${server.url()}/expo/${publisher.app.slug}/manifest` }
}

test('writes what is missing into app.json, and leaves all else as it is written', async () => {
  const { run, text, address } = await createExpoApp({ 'app.json': APP_JSON })
  const no = await run('expo configure', { isTTY: true, input: 'n' })
  expect([no.exitCode, await text()]).toEqual([1, APP_JSON])
  const { exitCode, stderr } = await run('expo configure --channel preview', { isTTY: true, input: 'y' })
  expect(exitCode).toBe(0)
  expect(stderr).toContain('-         "updates": { "fallbackToCacheTimeout": 0 },')
  expect(stderr).toContain('+         "runtimeVersion": {')
  expect(stderr).not.toContain('"plugins"')
  const headers = '"requestHeaders": {"expo-channel-name":"preview"}'
  const expected = APP_JSON.replace(
    '"fallbackToCacheTimeout": 0 }',
    `"fallbackToCacheTimeout": 0, "url": "${address}", ${headers} }`,
  ).replace(
    '"version": "1.4.0"\n',
    '"version": "1.4.0",\n        "runtimeVersion": {\n            "policy": "appVersion"\n        }\n',
  )
  expect(await text()).toBe(expected)
  const again = await run('expo configure --channel preview --yes')
  expect([again.exitCode, again.stderr]).toEqual([0, expect.stringContaining('says all of it already')])
  expect(await text()).toBe(expected)
})

test('changes what another service had put there, and keeps the runtime version', async () => {
  const expo = { updates: { url: 'https://u.expo.dev/1' }, runtimeVersion: '7' }
  const { json, text, address } = await createExpoApp({ 'app.json': JSON.stringify({ expo }, null, '\t') })
  expect(await json('expo configure --yes')).toMatchObject({ isWritten: true })
  const requestHeaders = { 'expo-channel-name': 'production' }
  const written = { expo: { updates: { url: address, requestHeaders }, runtimeVersion: '7' } }
  expect(await text()).toBe(JSON.stringify(written, null, '\t'))
  await json('expo configure --policy fingerprint --yes')
  expect(JSON.parse(await text())).toMatchObject({ expo: { runtimeVersion: { policy: 'fingerprint' } } })
})

test('an app that wants its key gets it as a header', async () => {
  const { json, text, app } = await createExpoApp({ 'app.json': '{"expo":{}}' }, { isOpen: false })
  await json('expo configure --yes')
  const headers = { 'expo-channel-name': 'production', 'x-app-key': app.appKey }
  expect(JSON.parse(await text())).toMatchObject({ expo: { updates: { requestHeaders: headers } } })
})

test('a certificate is named, and anything else in its place is refused', async () => {
  const files = { 'app.json': '{}', 'certs/certificate.pem': await CERTIFICATE, 'keys/private-key.pem': 'PRIVATE KEY' }
  const { run, text } = await createExpoApp(files)
  const { stderr } = await run('expo configure --certificate certs/certificate.pem --yes')
  expect(stderr).toContain('no answer without a signature')
  expect(JSON.parse(await text())).toMatchObject({
    updates: {
      codeSigningCertificate: './certs/certificate.pem',
      codeSigningMetadata: { keyid: 'main', alg: 'rsa-v1_5-sha256' },
    },
  })
  const refused = await run('expo configure --certificate keys/private-key.pem --yes')
  expect([refused.exitCode, refused.stderr]).toEqual([2, expect.stringContaining('found a private key')])
})

test('a program is not written: what to put there is printed', async () => {
  const { json, run, address } = await createExpoApp({ 'app.json': '{}', 'app.config.ts': 'export default () => ({})' })
  expect(await json('expo configure')).toMatchObject({
    isWritten: false,
    settings: { updates: { url: address }, runtimeVersion: { policy: 'appVersion' } },
  })
  const shown = await run('expo configure')
  expect([shown.stderr, shown.stdout]).toEqual([
    expect.stringContaining('is a program, which is not written'),
    expect.stringContaining(address),
  ])
})

test('what is no plain JSON stays as it is; a link stays a link', async () => {
  const commented = '{ // ours\n  "expo": {}\n}'
  const { run, json, text, cwd } = await createExpoApp({ 'app.json': commented })
  const refused = await run('expo configure --yes')
  expect([refused.exitCode, await text()]).toEqual([1, commented])
  expect(refused.stderr).toContain('without comments')
  await rename(join(cwd, 'app.json'), join(cwd, 'real.json'))
  await symlink('real.json', join(cwd, 'app.json'))
  await run(['--version'])
  await (await createExpoApp({})).run('expo configure')
  expect((await lstat(join(cwd, 'app.json'))).isSymbolicLink()).toBe(true)
  await expect(json('expo configure --yes')).rejects.toThrow('app-json-invalid')
})

test('outside of an Expo app it says so', async () => {
  const { run } = await createExpoApp({})
  const { exitCode, stderr } = await run('expo configure --yes')
  expect([exitCode, stderr]).toEqual([2, expect.stringContaining('Expected an Expo app')])
})
