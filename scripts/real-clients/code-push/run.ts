import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startServerProcess } from '../../../packages/testkit/src/server-process.ts'
import { createPublisher } from '../publisher.ts'
import { createStories } from '../stories.ts'
import { orSkip } from '../attempt.ts'
import { PLUGINS, stage, TOOL, type Acquisition } from './stage.ts'
import { createStandIn } from './stand-in.ts'
import { signPackages, useTool } from './tool-story.ts'
import { createDeployment, filesOf, updateFailAndGoBack } from './update-story.ts'

/** CodePush's SDK and the JavaScript of its plugins, as they are published, against this checkout's server. */
const cache = join(tmpdir(), 'hotpatch-real-clients', 'code-push')
const { sdk, tool, signing, bundle } = await orSkip(
  stage(join(cache, 'packages')),
  'This takes the packages of the npm registry.',
)
await mkdir(cache, { recursive: true })
const folder = await mkdtemp(join(cache, 'run-'))
const server = await startServerProcess({
  directory: join(folder, 'data'),
  env: { HOTPATCH_LOG_LEVEL: 'error', HOTPATCH_DEVICE_REQUESTS_PER_MINUTE: '0' },
})
const publisher = await createPublisher(server, folder)
const { api, publish } = publisher
const { play, end } = createStories(process.argv[2])

const store = { api, publish }

/** The requester that a host gives the SDK. */
const requester = {
  request(verb: number, url: string, body: unknown, callback: unknown): void {
    const done = (typeof body === 'function' ? body : callback) as (error: unknown, answer?: object) => void
    const sent = typeof body === 'string' ? { body } : {}
    const headers = { 'content-type': 'application/json' }
    fetch(url, { method: verb === 2 ? 'POST' : 'GET', headers, ...sent }).then(
      async (answer) => done(null, { statusCode: answer.status, body: await answer.text() }),
      (error: unknown) => done(error),
    )
  },
}
const asked = <Value>(ask: (done: (error: Error | null, value: Value) => void) => void) =>
  new Promise<Value>((resolve, reject) => ask((error, value) => (error ? reject(error) : resolve(value))))
const query = (client: Acquisition, current: object) =>
  asked<Record<string, unknown> | null>((done) => client.queryUpdateWithCurrentPackage(current, done))

const askFor = (deploymentKey: string, current: object) => {
  const configuration = { serverUrl: server.url, appVersion: '1.0.0', deploymentKey, clientUniqueId: 'tool-phone' }
  return query(new sdk.AcquisitionManager(requester, configuration), { ...current, appVersion: '1.0.0' })
}

await play(`${TOOL} does with this server what its commands say`, () => useTool({ tool, folder, server }, askFor))

await play(`${TOOL} and hotpatch sign packages alike`, () =>
  signPackages({ tool, folder, server, signing, publisher, store }, askFor),
)

await play('the SDK finds an update, reports it, and says what is wrong with a key', async () => {
  const deploymentKey = await createDeployment(store, 'sdk')
  const configuration = { serverUrl: server.url, appVersion: '1.0', deploymentKey, clientUniqueId: 'sdk-phone' }
  const client = new sdk.AcquisitionManager(requester, configuration)
  assert.equal(await query(client, { appVersion: '1.0' }), null)
  await publish('sdk', '1.1.0', filesOf('one'), { notes: 'Faster' })
  const update = await query(client, { appVersion: '1.0' })
  assert.ok(update)
  const { label, description, appVersion, isMandatory } = update
  assert.deepEqual([label, description, appVersion, isMandatory], ['v1', 'Faster', '1.0', false])
  await asked((done) => client.reportStatusDownload(update, done))
  await asked((done) => client.reportStatusDeploy(update, 'DeploymentSucceeded', '1.0', deploymentKey, done))
  assert.equal(await query(client, { ...update, appVersion: '1.0' }), null)
  const device = await api.getDevice('sdk', 'sdk-phone')
  const kinds = device.events.map(({ kind }) => kind)
  for (const kind of ['downloaded', 'confirmed'] as const) assert.ok(kinds.includes(kind), kinds.join())
  const stranger = new sdk.AcquisitionManager(requester, { ...configuration, deploymentKey: 'nobodys-deployment-key' })
  await assert.rejects(query(stranger, { appVersion: '1.0' }), /401: .*app-key-invalid/)
})

for (const [index, plugin] of PLUGINS.entries()) {
  const file = await bundle(plugin)
  await play(`${plugin} updates, takes what changed, fails, goes back and is explained`, () =>
    updateFailAndGoBack(store, { slug: `plugin-${index}`, serverUrl: server.url, plugin: file }, (configuration) =>
      createStandIn({ ...configuration, id: 'phone-1' }),
    ),
  )
}

await server.stop()
await rm(folder, { recursive: true, force: true })
end('code-push 4.2.3, its plugins and its tool')
