import assert from 'node:assert/strict'
import type { createManagementClient } from '../../../packages/api/src/index.ts'
import { noise } from '../../../packages/testkit/src/archives/index.ts'
import { until } from '../attempt.ts'
import type { Files } from '../publisher.ts'
import type { AppConfiguration, NativeHalf } from './native-half.ts'
import { createPhone } from './phone.ts'

export interface Store {
  api: ReturnType<typeof createManagementClient>
  publish: (app: string, version: string, files: Files, more?: object) => Promise<unknown>
}

const PHOTO = noise(60_000).toString('base64')
export const filesOf = (text: string) => ({ 'CodePush/index.android.bundle': text, 'CodePush/photo.txt': PHOTO })

export async function createDeployment({ api }: Store, slug: string): Promise<string> {
  await api.createApp({ slug })
  return (await api.createChannelKey(slug, { channel: 'production', platform: 'android' })).key
}

/** What every plugin does, over whichever native half. */
export async function updateFailAndGoBack(
  store: Store,
  app: { slug: string; serverUrl: string; plugin: string },
  nativeHalf: (configuration: AppConfiguration) => NativeHalf,
): Promise<void> {
  const { slug, serverUrl } = app
  const { api, publish } = store
  const deploymentKey = await createDeployment(store, slug)
  const phone = createPhone({ native: nativeHalf({ serverUrl, deploymentKey }), plugin: app.plugin })

  await phone.start()
  assert.equal(await phone.sync(), 'UP_TO_DATE')
  assert.equal(phone.runs(), 'built in')
  await publish(slug, '1.1.0', filesOf('one'))
  assert.equal(await phone.sync(), 'UPDATE_INSTALLED')
  const whole = phone.downloadedBytes()
  await phone.start()
  assert.equal(phone.runs(), 'one')
  await phone.told('DeploymentSucceeded', 'v1')
  assert.equal(await phone.sync(), 'UP_TO_DATE')

  await publish(slug, '1.2.0', filesOf('two'), { mandatory: true })
  await publish(slug, '1.3.0', filesOf('three'))
  // It is made after the publish.
  const update = await until('there is a package of what changed', async () => {
    const offered = await phone.check()
    return offered && (offered.packageSize ?? Infinity) < whole / 10 && offered
  })
  assert.deepEqual([update.label, update.isMandatory], ['v3', true])
  assert.equal(await phone.sync(), 'UPDATE_INSTALLED')
  assert.ok(phone.downloadedBytes() < whole / 10)
  // What is mandatory is loaded at once.
  await phone.told('DeploymentSucceeded', 'v3')
  assert.equal(phone.runs(), 'three')

  await publish(slug, '1.4.0', filesOf('broken'))
  assert.equal(await phone.sync(), 'UPDATE_INSTALLED')
  await phone.start()
  assert.equal(phone.runs(), 'broken')
  await phone.start()
  assert.equal(phone.runs(), 'three')
  await phone.told('DeploymentFailed', 'v4')
  assert.equal(await phone.sync(), 'UP_TO_DATE')
  const { items } = await api.listDevices(slug)
  assert.equal(items.length, 1)
  const why = await api.explain(slug, items[0]?.id ?? '')
  assert.equal(why.decision.reason, 'runs-the-target')
  assert.match(JSON.stringify(why), /failed-on-this-device/)

  await publish(slug, '2.0.0', filesOf('new shell'), { minNativeVersion: '2.0' })
  assert.equal(await phone.sync(), 'UP_TO_DATE')
  assert.equal(phone.mismatches.length, 1)
  phone.update('2.0.0')
  await phone.start()
  assert.equal(phone.runs(), 'built in')
  assert.equal(await phone.sync(), 'UPDATE_INSTALLED')
  await phone.told('DeploymentSucceeded', 'v5')
  assert.equal(phone.runs(), 'new shell')
  assert.deepEqual(phone.untold, [])
}
