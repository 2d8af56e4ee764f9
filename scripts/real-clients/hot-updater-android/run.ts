import assert from 'node:assert/strict'
import { createPrivateKey, generateKeyPairSync, sign } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { FOLDER } from '../android/command.ts'
import { needTools } from '../android/need-tools.ts'
import { openStage } from '../android/stage.ts'
import { orSkip, until } from '../attempt.ts'
import { installClient } from '../hot-updater/client.ts'
import { createPhone } from '../hot-updater/phone.ts'
import {
  buildId,
  buildOf,
  createOpenApp,
  filesOf,
  takePatches,
  updateFailAndGoBack,
  WITH_PATCHES,
} from '../hot-updater/update-story.ts'
import { startNativePhones } from '../react-native/native-phones.ts'
import { createStories } from '../stories.ts'
import { hotUpdaterClasses } from './client-classes.ts'
import { createNativeHalf, type BinaryConfiguration, type HotUpdaterState } from './native-half.ts'

/** Runs the Kotlin and the JavaScript of hot-updater's plugin, as they are published, against this checkout's server. */
await needTools()
const takes = 'This takes a JDK of 17 or later, Maven, and the packages of both registries.'
const classes = await orSkip(hotUpdaterClasses(), takes)
const client = await orSkip(installClient(join(FOLDER, 'hot-updater')), takes)
const stage = join(classes.folder, 'stage')
const { server, network, api, publish, publishSigned, hotpatch } = await openStage(stage, {
  HOTPATCH_DEVICE_REQUESTS_PER_MINUTE: '0',
  ...WITH_PATCHES,
})
const phones = await startNativePhones<HotUpdaterState>(classes, {
  app: 'HotUpdaterApp',
  bundle: 'built in',
  javaOptions: network.options,
  name: 'hot-updater',
})
const { play, end } = createStories(process.argv[2])
const store = { api, publish, url: server.url }
const isArtifact = (path: string) => path.includes('/artifacts/')
const fetched = () => network.passed().flatMap(({ path, bytes }) => (isArtifact(path) ? [{ url: path, bytes }] : []))
const base = (slug: string) => `${server.url}/hot-updater/${slug}`

const phoneOf = (phone: string, configuration?: BinaryConfiguration) =>
  createPhone({ client, native: createNativeHalf(phones, { phone, configuration, fetched }) })

/** What the way does to files of which the address has this in it. */
const damage = (part: string) =>
  network.meddle((path, answer) =>
    path.includes(part) ? { status: 200, body: Buffer.from('something else') } : answer,
  )

await play('it updates, file by file, crashes, recovers, goes back and is explained', () =>
  updateFailAndGoBack(store, 'plain', phoneOf('plain')),
)

await play('its own patcher takes a bundle as a patch, and whole when that is damaged', async () => {
  await takePatches(store, 'patched', phoneOf('patched'), async (sha256) => damage(sha256))
  network.meddle(undefined)
})

await play('what was damaged on the way is refused, and had again', async () => {
  await createOpenApp(store, 'damaged')
  const phone = phoneOf('damaged')
  await phone.start()
  await publish('damaged', '1.0.1', buildOf(buildId(1), filesOf('start(1)')))
  damage('/artifacts/')
  await assert.rejects(phone.update(base('damaged')), /SIGNATURE_VERIFICATION_FAILED/)
  await phone.start()
  assert.equal(phone.bundle(), 'built in')
  network.meddle(undefined)
  assert.equal(await phone.update(base('damaged')), `UPDATE ${buildId(1)}`)
  await phone.start()
  assert.equal(phone.bundle(), 'start(1)')
})

await play('a file that is compressed arrives as it was', async () => {
  await createOpenApp(store, 'compressed')
  const phone = phoneOf('compressed')
  await phone.start()
  const large = (number: number) => `start(${number})\n`.repeat(2_000)
  await publish('compressed', '1.0.1', buildOf(buildId(1), filesOf(large(1))))
  assert.equal(await phone.update(base('compressed')), `UPDATE ${buildId(1)}`)
  await phone.start()
  await phone.appear()
  await publish('compressed', '1.0.2', buildOf(buildId(2), filesOf(large(2))))
  const check = `${base('compressed')}/app-version/android/1.0.0/production/00000000-0000-0000-0000-000000000000/${buildId(1)}/1`
  await until('the bundle is compressed', async () => {
    const answer = await fetch(check, { headers: { 'hot-updater-sdk-version': '0.36.3' } })
    return (await answer.text()).includes('"compression":"br"')
  })
  phone.fetched()
  assert.equal(await phone.update(base('compressed')), `UPDATE ${buildId(2)}`)
  await phone.start()
  assert.equal(phone.bundle(), large(2))
  assert.equal(phone.fetched().length, 2)
})

await play('a binary with a key takes what was signed with it, whole and file by file, and nothing else', async () => {
  await createOpenApp(store, 'signed')
  const { privateKey, publicKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  })
  const key = join(stage, 'rsa.pem')
  await writeFile(key, privateKey)
  const signDigest = (sha256: string) =>
    sign('sha256', Buffer.from(sha256, 'hex'), createPrivateKey(privateKey)).toString('base64')
  await hotpatch('keys', 'add', '--rsa', key, '--app', 'signed')
  const phone = phoneOf('signed', { appVersion: '1.0.0', publicKey })
  await phone.start()
  await publish('signed', '1.0.1', buildOf(buildId(1), filesOf('start(1)'), signDigest))
  await assert.rejects(phone.update(base('signed')), /SIGNATURE_VERIFICATION_FAILED/)
  await publishSigned('signed', '1.0.2', buildOf(buildId(2), filesOf('start(2)'), signDigest), key)
  assert.equal(await phone.update(base('signed')), `UPDATE ${buildId(2)}`)
  await phone.start()
  assert.equal(phone.bundle(), 'start(2)')
  await phone.appear()
  await publishSigned('signed', '1.0.3', buildOf(buildId(3), filesOf('start(3)'), signDigest), key)
  phone.fetched()
  assert.equal(await phone.update(base('signed')), `UPDATE ${buildId(3)}`)
  assert.equal(phone.fetched().length, 2)
  await phone.start()
  assert.equal(phone.bundle(), 'start(3)')
  await phone.appear()

  const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey
  const stranger = phoneOf('signed-other', {
    appVersion: '1.0.0',
    publicKey: other.export({ type: 'spki', format: 'pem' }).toString(),
  })
  await stranger.start()
  await assert.rejects(stranger.update(base('signed')), /SIGNATURE_VERIFICATION_FAILED/)
  const keyless = phoneOf('signed-none')
  await keyless.start()
  await assert.rejects(keyless.update(base('signed')), /SIGNATURE_VERIFICATION_FAILED/)
})

await play('no phone asked anybody else', async () => {
  assert.deepEqual(network.refused(), [])
})

await phones.end()
await network.close()
await server.stop()
end('Android code of hot-updater 0.36.3')
