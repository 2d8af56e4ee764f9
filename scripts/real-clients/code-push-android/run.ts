import assert from 'node:assert/strict'
import { join } from 'node:path'
import { zipOf } from '../../../packages/testkit/src/zip-of.ts'
import { FOLDER } from '../android/command.ts'
import { needTools } from '../android/need-tools.ts'
import { openStage } from '../android/stage.ts'
import { orSkip, until } from '../attempt.ts'
import { createPhone, type Phone } from '../code-push/phone.ts'
import { stage } from '../code-push/stage.ts'
import { createDeployment, filesOf, updateFailAndGoBack } from '../code-push/update-story.ts'
import { startNativePhones } from '../react-native/native-phones.ts'
import { createStories } from '../stories.ts'
import { ANDROID_PLUGINS, codePushClasses } from './client-classes.ts'
import { createNativeHalf, type BinaryConfiguration, type CodePushState } from './native-half.ts'
import { createSigningKey, signPackage } from './sign-package.ts'

/** Runs the Java and the JavaScript of CodePush's plugins, as they are published, against this checkout's server. */
await needTools()
const takes = 'This takes a JDK of 17 or later, Maven, and the packages of both registries.'
const { bundle } = await orSkip(stage(join(FOLDER, 'code-push', 'packages')), takes)
const { server, network, api, publish } = await openStage(join(FOLDER, 'react-native', 'stage'), {
  HOTPATCH_DEVICE_REQUESTS_PER_MINUTE: '0',
})
const { play, end } = createStories(process.argv[2])
const store = { api, publish }
const isArtifact = (path: string) => path.includes('/artifacts/')
const downloadedBytes = () => network.passed().findLast(({ path }) => isArtifact(path))?.bytes ?? 0

for (const [index, name] of Object.keys(ANDROID_PLUGINS).entries()) {
  await playWith(name as keyof typeof ANDROID_PLUGINS, `plugin-${index}`)
}

async function playWith(name: keyof typeof ANDROID_PLUGINS, prefix: string): Promise<void> {
  let running: ReturnType<typeof start> | undefined
  const phones = () => (running ??= start())

  async function start() {
    const client = await orSkip(codePushClasses(name), takes)
    const native = await startNativePhones<CodePushState>(client, {
      app: 'CodePushApp',
      bundle: 'built in',
      javaOptions: network.options,
      name: prefix,
    })
    return { native, plugin: await bundle(name) }
  }

  async function phoneOf(phone: string, more: Omit<BinaryConfiguration, 'serverUrl'>): Promise<Phone> {
    const { native, plugin } = await phones()
    const configuration = { serverUrl: server.url, ...more }
    const half = createNativeHalf(native, { phone: `${prefix}-${phone}`, configuration, downloadedBytes })
    const created = createPhone({ native: half, plugin })
    await created.start()
    return created
  }

  /** As which this server knows the phone whose app was started last. */
  async function deviceId(): Promise<string> {
    const { native } = await phones()
    const { clientUniqueId } = (await native.call('getConfiguration', [])) as { clientUniqueId: string }
    return clientUniqueId
  }

  await play(`${name} updates, takes what changed, fails, goes back and is explained`, async () => {
    const { native, plugin } = await phones()
    await updateFailAndGoBack(store, { slug: prefix, serverUrl: server.url, plugin }, (configuration) =>
      createNativeHalf(native, { phone: prefix, configuration, downloadedBytes }),
    )
  })

  await play(`${name} takes what was signed for it, whole and as what changed, and refuses all else`, async () => {
    const slug = `${prefix}-signed`
    const deploymentKey = await createDeployment(store, slug)
    const { privateKey, publicKey } = createSigningKey()
    const phone = await phoneOf('signed', { deploymentKey, publicKey })
    const signed = (version: string, text: string) => publish(slug, version, signPackage(filesOf(text), privateKey))

    await signed('1.1.0', 'one')
    assert.equal(await phone.sync(), 'UPDATE_INSTALLED')
    const whole = phone.downloadedBytes()
    await phone.start()
    assert.equal(phone.runs(), 'one')
    await signed('1.2.0', 'two')
    await waitForDiff(phone, whole)
    assert.equal(await phone.sync(), 'UPDATE_INSTALLED')
    assert.ok(phone.downloadedBytes() < whole / 10)
    await phone.start()
    assert.equal(phone.runs(), 'two')

    // Files that another took the place of on the way, with the signature of the right ones.
    await signed('1.3.0', 'three')
    const spoilt = await zipOf({ ...signPackage(filesOf('three'), privateKey), ...filesOf('another') })
    network.meddle((path, answer) => (isArtifact(path) ? { status: 200, body: Buffer.from(spoilt) } : answer))
    await assert.rejects(phone.sync(), /failed the data integrity check/)
    network.meddle(undefined)
    await publish(slug, '1.4.0', signPackage(filesOf('four'), createSigningKey().privateKey))
    await assert.rejects(phone.sync(), /was not signed by a trusted party/)
    await publish(slug, '1.5.0', filesOf('five'))
    await assert.rejects(phone.sync(), /there is no JWT signature/)
    // The plugin remembers what it refused, and tells nobody.
    assert.equal(await phone.sync(), 'UP_TO_DATE')
    await phone.start()
    assert.equal(phone.runs(), 'two')
    const why = await api.explain(slug, await deviceId())
    assert.deepEqual([why.device.currentVersion, why.decision.kind], ['1.2.0', 'update'])
    await signed('1.6.0', 'six')
    assert.equal(await phone.sync(), 'UPDATE_INSTALLED')
    await phone.start()
    await phone.told('DeploymentSucceeded', 'v6')
    assert.equal(phone.runs(), 'six')
  })

  await play(`${name} goes on after a download that broke, and back to an older release`, async () => {
    const slug = `${prefix}-back`
    const deploymentKey = await createDeployment(store, slug)
    const phone = await phoneOf('back', { deploymentKey })
    const first = await publish(slug, '1.1.0', filesOf('one'))
    network.meddle((path, answer) => (isArtifact(path) ? { status: 503, body: Buffer.alloc(0) } : answer))
    await assert.rejects(phone.sync())
    network.meddle(undefined)
    assert.equal(await phone.sync(), 'UPDATE_INSTALLED')
    await phone.start()
    await phone.told('DeploymentSucceeded', 'v1')
    await publish(slug, '1.2.0', filesOf('two'))
    assert.equal(await phone.sync(), 'UPDATE_INSTALLED')
    await phone.start()
    await phone.told('DeploymentSucceeded', 'v2')
    assert.equal(phone.runs(), 'two')
    await api.rollBack(slug, { platform: 'android', channel: 'production', to: { releaseId: first.releaseId } })
    assert.equal(await phone.sync(), 'UPDATE_INSTALLED')
    await phone.start()
    assert.equal(phone.runs(), 'one')
    await phone.told('DeploymentSucceeded', 'v3')
    const why = await api.explain(slug, await deviceId())
    assert.deepEqual([why.device.currentVersion, why.decision.reason], ['1.1.0', 'runs-the-target'])
    // These clients have no word for it.
    await api.rollBack(slug, { platform: 'android', channel: 'production', to: 'embedded' })
    assert.equal(await phone.sync(), 'UP_TO_DATE')
  })

  await play(`${name}: half of the phones get what half of them are to get`, async () => {
    const slug = `${prefix}-half`
    const deploymentKey = await createDeployment(store, slug)
    await publish(slug, '1.1.0', filesOf('one'))
    await publish(slug, '1.2.0', filesOf('two'), { percentage: 50 })
    const seen = new Set<string>()
    for (let index = 0; index < 8; index += 1) {
      const phone = await phoneOf(`half-${index}`, { deploymentKey })
      assert.equal(await phone.sync(), 'UPDATE_INSTALLED')
      await phone.start()
      await phone.told('DeploymentSucceeded', phone.runs() === 'two' ? 'v2' : 'v1')
      assert.equal(await phone.sync(), 'UP_TO_DATE')
      const why = await api.explain(slug, await deviceId())
      assert.equal(why.device.currentVersion, phone.runs() === 'two' ? '1.2.0' : '1.1.0')
      seen.add(phone.runs())
    }
    assert.deepEqual([...seen].sort(), ['one', 'two'])
  })

  if (running) await (await running).native.end()
}

async function waitForDiff(phone: Phone, whole: number): Promise<void> {
  await until('there is a package of what changed', async () => {
    const offered = await phone.check()
    return offered && (offered.packageSize ?? Infinity) < whole / 10
  })
}

await play('no phone asked anybody else', async () => {
  assert.deepEqual(network.refused(), [])
})

await network.close()
await server.stop()
end('Android code of CodePush')
