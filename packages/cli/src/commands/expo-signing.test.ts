import { createVerify, X509Certificate } from 'node:crypto'
import { chmod, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseMultipartMixedResponseAsync } from '@expo/multipart-body-parser'
import type { PublishedRelease, StoredSignedAnswers } from '@hotpatch/api'
import { parseDictionary } from 'structured-headers'
import { expect, test } from 'vitest'
import { newExpoCertificate, newExpoChain } from '../testing/expo-certificate.ts'
import { EXPO_PROGRAM } from '../testing/expo-program.ts'
import { useServer } from '../testing/server-suite.ts'

const server = useServer({ HOTPATCH_DEVICE_REQUESTS_PER_MINUTE: '0' })
const CERTIFICATE = 'certs/certificate.pem'
const KEY = 'keys/private-key.pem'
const OWN = newExpoCertificate()
const OTHER = newExpoCertificate()

type Files = Record<string, string>

async function createExpoApp({ updates = {}, files = {} }: { updates?: object; files?: Files } = {}) {
  const publisher = await server.createPublisher()
  await publisher.json(`apps set ${publisher.app.slug} --check-access open --yes`)
  await publisher.installProgram('npx', EXPO_PROGRAM)
  const signing = { codeSigningCertificate: './certs/certificate.pem', codeSigningMetadata: { keyid: 'main' } }
  const url = `${server.url()}/expo/${publisher.app.slug}/manifest`
  const expo = { name: 'Shop', version: '1.4.0', runtimeVersion: '1', updates: { url, ...signing, ...updates } }
  await publisher.write({
    'package.json': JSON.stringify({ dependencies: { expo: '57', 'react-native': '0.86' } }),
    'app.json': JSON.stringify({ expo }),
    'index.js': 'start(1)',
    ...OWN,
    ...files,
  })
  await chmod(join(publisher.cwd, 'keys/private-key.pem'), 0o600)
  const publish = async (version: string, more = '--private-key-path keys/private-key.pem') => {
    await publisher.write({ 'index.js': `start('${version}')` })
    const words = `publish --platform android --version ${version} --yes --json ${more}`.trim()
    const done = await publisher.run(words)
    const published = done.exitCode === 0 ? (JSON.parse(done.stdout) as PublishedRelease) : undefined
    return { ...done, published }
  }
  const check = (headers: Record<string, string> = {}) =>
    fetch(url, {
      headers: {
        'expo-platform': 'android',
        'expo-protocol-version': '1',
        'expo-runtime-version': '1',
        'eas-client-id': '0b0c0d0e-0000-4000-8000-00000000000a',
        'expo-expect-signature': 'sig, keyid="main", alg="rsa-v1_5-sha256"',
        ...headers,
      },
    })
  const answers = () =>
    fetch(`${server.url()}/manage/v1/apps/${publisher.app.slug}/signed-answers`, {
      headers: { authorization: `Bearer ${server.ownerToken()}` },
    }).then(async (answer) => (await answer.json()) as StoredSignedAnswers)
  return { ...publisher, url, publish, check, answers }
}

/** Read by Expo's own parsers, verified with the certificate that the app is built with. */
async function verified(answer: Response) {
  expect(answer.status).toBe(200)
  const type = String(answer.headers.get('content-type'))
  const [part] = await parseMultipartMixedResponseAsync(type, Buffer.from(await answer.arrayBuffer()))
  if (!part) throw new Error('No part.')
  const fields = parseDictionary(String(part.headers.get('expo-signature')))
  const signature = String(fields.get('sig')?.[0])
  expect(createVerify('RSA-SHA256').update(part.body).verify(OWN[CERTIFICATE], signature, 'base64')).toBe(true)
  return { name: part.name, ...JSON.parse(part.body) }
}

test('a publish signs the release and the ways back, which are there as soon as it is', async () => {
  const app = await createExpoApp()
  const first = await app.publish('1.4.0')
  expect([first.exitCode, first.stderr]).toEqual([0, expect.stringContaining('Code signed')])
  expect(first.stderr).not.toContain('PRIVATE KEY')
  const one = await verified(await app.check())
  expect(one.launchAsset.url).toMatch(`/expo/${app.app.slug}/assets/`)
  expect(await (await fetch(one.launchAsset.url, { headers: { 'expo-platform': 'android' } })).text()).toContain(
    '1.4.0',
  )

  const second = await app.publish('1.5.0')
  expect(second.stderr).toContain('1.5.0, with the ways back to 1.4.0 and embedded')
  const two = await verified(await app.check({ 'expo-current-update-id': one.id }))
  expect(Date.parse(two.createdAt)).toBeGreaterThan(Date.parse(one.createdAt))

  // Prepared with the publish: the server alone goes back, and the client takes it.
  await app.json(`rollouts halt ${second.published?.rolloutId} --yes`)
  const again = await verified(await app.check({ 'expo-current-update-id': two.id }))
  expect([again.launchAsset.hash, Date.parse(again.createdAt)]).toEqual([
    one.launchAsset.hash,
    Date.parse(two.createdAt) + 1,
  ])
})

test('a roll-back is signed where the key is, and else goes as far as was signed in advance', async () => {
  const app = await createExpoApp()
  await app.publish('1.4.0')
  const one = await verified(await app.check())
  await app.publish('1.5.0')
  const two = await verified(await app.check({ 'expo-current-update-id': one.id }))
  const back = 'rollback --platform android --yes --version'
  const prepared = await app.run(`${back} 1.4.0`)
  expect([prepared.exitCode, prepared.stderr]).toEqual([0, expect.stringContaining('1.4.0, in advance')])
  const again = await verified(await app.check({ 'expo-current-update-id': two.id }))
  expect(again.launchAsset.hash).toBe(one.launchAsset.hash)

  const late = await app.run(`${back} 1.5.0`)
  expect([late.exitCode, late.stderr]).toEqual([0, expect.stringContaining('keep what they have')])
  expect(await app.check({ 'expo-current-update-id': again.id })).toMatchObject({ status: 204 })
  const signed = await app.json('expo sign --platform android --private-key-path keys/private-key.pem --yes')
  expect(signed).toMatchObject([{ platform: 'android', keyId: 'main', signs: ['1.5.0', 'embedded'] }])
  const forward = await verified(await app.check({ 'expo-current-update-id': again.id }))
  expect(forward.launchAsset.hash).toBe(two.launchAsset.hash)

  const embedded = await app.run(
    'rollback --platform android --to embedded --private-key-path keys/private-key.pem --yes',
  )
  expect([embedded.exitCode, embedded.stderr]).toEqual([0, expect.stringContaining('Code signed: embedded')])
  const directive = await verified(await app.check({ 'expo-current-update-id': forward.id }))
  expect([directive.name, directive.type]).toEqual(['directive', 'rollBackToEmbedded'])
})

test('a promotion is signed where the key is, for devices of a channel that have something later', async () => {
  const app = await createExpoApp()
  await app.publish('1.4.0', '--private-key-path keys/private-key.pem --channel beta')
  await app.publish('1.5.0')
  const five = await verified(await app.check())
  const line = 'promote --version 1.4.0 --platform android --to production --private-key-path keys/private-key.pem'
  expect(await app.json(`${line} --yes`)).toMatchObject({ codeSigned: { keyId: 'main', signs: ['1.4.0', 'embedded'] } })
  const four = await verified(await app.check({ 'expo-current-update-id': five.id }))
  expect([four.launchAsset.hash === five.launchAsset.hash, four.createdAt > five.createdAt]).toEqual([false, true])
})

test('what was published without the key is signed later, by the word of its own statement', async () => {
  const app = await createExpoApp()
  const { exitCode, published } = await app.publish('1.4.0', '--no-code-signing')
  expect([exitCode, published?.version]).toEqual([0, '1.4.0'])
  expect(await app.check()).toMatchObject({ status: 204 })
  const dry = await app.json('expo sign --platform android --private-key-path keys/private-key.pem --dry-run')
  expect(dry).toMatchObject([{ signs: ['1.4.0', 'embedded'] }])
  expect((await app.answers()).items).toEqual([])
  await app.json('expo sign --platform android --private-key-path keys/private-key.pem --yes')
  expect((await verified(await app.check())).extra.expoClient.name).toBe('Shop')
  // From now on it is known that such apps are out there.
  const unsigned = await app.publish('1.5.0', '--no-code-signing')
  expect([unsigned.exitCode, unsigned.stderr]).toEqual([0, expect.stringContaining('get nothing of this')])
})

test('nobody signs what nobody can tell from a lie', async () => {
  const app = await createExpoApp()
  await app.publish('1.4.0', '--no-code-signing --no-sign')
  const { stderr } = await app.run('expo sign --platform android --private-key-path keys/private-key.pem --yes')
  expect(stderr).toContain('publish it again')
  expect((await app.answers()).items.map(({ says }) => says)).toEqual(['roll-back'])
})

test('the key comes from the environment, from hotpatch.json, or lies beside the certificate', async () => {
  const app = await createExpoApp()
  const none = await app.publish('1.4.0', '')
  expect([none.exitCode, none.stderr]).toEqual([1, expect.stringContaining('--private-key-path FILE')])
  await expect(readFile(join(app.cwd, 'npx.log'), 'utf8')).rejects.toThrow('ENOENT')
  const env = { ...app.env, HOTPATCH_EXPO_PRIVATE_KEY: OWN[KEY] }
  const inCi = await app.run('publish --platform android --version 1.4.0 --yes', { env })
  expect([inCi.exitCode, inCi.stderr]).toEqual([0, expect.stringContaining('Code signed')])

  const configured = await app.run(
    'expo configure --certificate certs/certificate.pem --private-key-path keys/private-key.pem --yes',
  )
  expect([configured.exitCode, configured.stderr]).toEqual([0, expect.stringContaining('"privateKeyPath"')])
  expect(await app.publish('1.5.0', '')).toMatchObject({ exitCode: 0 })
  await app.write({ 'hotpatch.json': JSON.stringify({ app: app.app.slug }), 'certs/private-key.pem': OWN[KEY] })
  await chmod(join(app.cwd, 'certs/private-key.pem'), 0o644)
  const beside = await app.publish('1.6.0', '')
  expect([beside.exitCode, beside.stderr]).toEqual([0, expect.stringContaining('has mode 0644')])
})

test('a program of configuration tells its certificate to nobody but Expo, who is asked', async () => {
  const app = await createExpoApp({ files: { 'app.config.ts': 'export default {}' } })
  expect(await app.publish('1.4.0')).toMatchObject({ exitCode: 0 })
  expect((await readFile(join(app.cwd, 'npx.log'), 'utf8')).split('\n')[0]).toBe('expo config --json')
  await verified(await app.check())
})

test.each<[string, { updates?: object; files?: Files; more?: string }, RegExp]>([
  ['a key of another certificate', { files: { 'keys/private-key.pem': OTHER[KEY] } }, /is not that of the certificate/],
  ['no key', { files: { 'keys/private-key.pem': 'secret words' } }, /Expected a private RSA key/],
  [
    'a certificate that expired',
    { files: { 'certs/certificate.pem': newExpoCertificate({ from: -10, to: -1 })[CERTIFICATE] } },
    /expired on/,
  ],
  [
    'one that begins later',
    { files: { 'certs/certificate.pem': newExpoCertificate({ from: 1, to: 10 })[CERTIFICATE] } },
    /begins on/,
  ],
  ['no certificate', { files: { 'certs/certificate.pem': 'PEM' } }, /Expected a certificate in/],
  ['a file that is not there', { updates: { codeSigningCertificate: 'none.pem' } }, /found no such file/],
  ['an id that is none', { updates: { codeSigningMetadata: { keyid: 'a b' } } }, /Expected a keyid/],
  ['another algorithm', { updates: { codeSigningMetadata: { alg: 'none' } } }, /rsa-v1_5-sha256/],
  ['both words', { more: '--private-key-path keys/private-key.pem --no-code-signing' }, /not both/],
])('%s is refused before anything is exported or sent', async (_name, { more, ...given }, message) => {
  const app = await createExpoApp(given)
  const { exitCode, stderr } = await app.publish('1.4.0', more)
  expect([exitCode === 0, stderr]).toEqual([false, expect.stringMatching(message)])
  expect(stderr).not.toContain('secret words')
  await expect(readFile(join(app.cwd, 'npx.log'), 'utf8')).rejects.toThrow('ENOENT')
  expect((await app.answers()).items).toEqual([])
})

test('another key under the id of the one before is refused', async () => {
  const app = await createExpoApp()
  await app.publish('1.4.0')
  await app.write({ 'certs/certificate.pem': OTHER[CERTIFICATE], 'keys/private-key.pem': OTHER[KEY] })
  const { exitCode, stderr } = await app.publish('1.5.0')
  expect([exitCode, stderr]).toEqual([1, expect.stringMatching(/another key has signed/)])
})

test('a certificate that the one in the app has issued signs, and is sent along', async () => {
  const chain = newExpoChain()
  const app = await createExpoApp({ files: chain })
  const published = await app.publish('1.4.0')
  expect([published.exitCode, published.stderr]).toEqual([0, expect.stringContaining('certificate-chain.pem')])
  const answer = await app.check()
  const type = String(answer.headers.get('content-type'))
  const [manifest, sent] = await parseMultipartMixedResponseAsync(type, Buffer.from(await answer.arrayBuffer()))
  if (!manifest || !sent) throw new Error('Too few parts.')
  const leaf = new X509Certificate(sent.body)
  expect([sent.name, leaf.raw]).toEqual([
    'certificate_chain',
    new X509Certificate(chain['certs/certificate-chain.pem']).raw,
  ])
  // As the client does it: the apps' certificate has issued the one that came, and its key has signed.
  expect(leaf.verify(new X509Certificate(chain[CERTIFICATE]).publicKey)).toBe(true)
  const signature = String(parseDictionary(String(manifest.headers.get('expo-signature'))).get('sig')?.[0])
  expect(createVerify('RSA-SHA256').update(manifest.body).verify(sent.body, signature, 'base64')).toBe(true)
})

test('a chain that does not lead to the certificate in the app signs nothing', async () => {
  const app = await createExpoApp({ files: newExpoChain() })
  await app.write({ 'other/chain.pem': newExpoChain()['certs/certificate-chain.pem'], 'other/none.pem': 'PEM' })
  const refusalOf = async (path: string) => {
    const { exitCode, stderr } = await app.publish('1.4.0', `--private-key-path ${KEY} --certificate-chain ${path}`)
    expect(exitCode).toBe(1)
    return stderr
  }
  expect(await refusalOf('other/chain.pem')).toContain('found another issuer')
  expect(await refusalOf('other/none.pem')).toContain('found none')
  expect(await refusalOf('other/missing.pem')).toContain('found no such file')
  expect(await refusalOf(KEY)).toContain('found a private key')
  await app.write({ [KEY]: OTHER[KEY] })
  expect(await refusalOf('certs/certificate-chain.pem')).toContain('which the chain begins with')
  expect((await app.answers()).items).toEqual([])
})
