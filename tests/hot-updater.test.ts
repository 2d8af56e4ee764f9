import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeTemporaryDirectory, STORY_DATABASES, startServerProcess, type ServerProcess } from '@hotpatch/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { MissingTool } from '../scripts/real-clients/attempt.ts'
import { installClient } from '../scripts/real-clients/hot-updater/client.ts'
import { createPhone } from '../scripts/real-clients/hot-updater/phone.ts'
import { createStandIn } from '../scripts/real-clients/hot-updater/stand-in.ts'
import * as story from '../scripts/real-clients/hot-updater/update-story.ts'
import { createPublisher } from '../scripts/real-clients/publisher.ts'
import { playRealClient } from './real-client.ts'

const { buildId, buildOf, EMBEDDED } = story
const folder = await makeTemporaryDirectory()
afterAll(() => rm(folder, { recursive: true, force: true }))

/** The JavaScript of hot-updater's client as it is on npm, over real sockets. */
const client = await installClient(join(folder, 'client')).catch((error: unknown) => {
  if (error instanceof MissingTool) return undefined
  throw error
})

const start = (text: string) => ({ 'index.android.bundle': text })

describe.each(STORY_DATABASES)('an app with the client of hot-updater 0.36.3, on %s', (name, open) => {
  describe.runIf(client)('as it is published', () => {
    let server: ServerProcess
    let store: story.Store
    let drop = async () => {}

    beforeAll(async () => {
      const database = await open()
      drop = database.drop
      const quiet = { HOTPATCH_LOG_LEVEL: 'error', HOTPATCH_DEVICE_REQUESTS_PER_MINUTE: '0' }
      const env = { ...quiet, ...story.WITH_PATCHES, ...database.env }
      server = await startServerProcess({ directory: join(folder, name), env })
      const { api, publish } = await createPublisher(server, join(folder, `${name}-publisher`))
      store = { api, publish, url: server.url }
    })
    afterAll(async () => {
      await server.stop()
      await drop()
    })

    const base = (slug: string) => `${server.url}/hot-updater/${slug}`
    const phoneWith = async (cohort = '17') => {
      const native = createStandIn({ minBundleId: EMBEDDED, cohort })
      const phone = createPhone({ client: client ?? '', native })
      await phone.start()
      return phone
    }

    test('updates, file by file, fails, goes back both steps and is explained', async () => {
      await story.updateFailAndGoBack(store, 'plain', await phoneWith())
    })

    test('takes the bundle as a patch of its own, and whole when that is damaged', async () => {
      await story.takePatches(store, 'patched', await phoneWith(), (sha256) =>
        writeFile(join(server.directory, 'artifacts', sha256.slice(0, 2), sha256), 'something else'),
      )
    })

    test('goes to another channel, and to what is for its cohort', async () => {
      await story.createOpenApp(store, 'cohorts')
      await store.api.changeApp('cohorts', { deviceCohorts: 'allowed' })
      const phone = await phoneWith('qa-team')
      await store.publish('cohorts', '1.0.1', buildOf(buildId(1), start('start(1)')), { channel: 'beta' })
      const chosen = { percentage: 0, cohorts: ['qa-team'] }
      await store.publish('cohorts', '1.0.2', buildOf(buildId(2), start('start(2)')), chosen)
      expect(await (await phoneWith('3')).update(base('cohorts'))).toBe('nothing')
      expect(await phone.update(base('cohorts'))).toBe(`UPDATE ${buildId(2)}`)
      await phone.start()
      expect(await phone.update(base('cohorts'), { channel: 'beta' })).toBe(`UPDATE ${buildId(1)}`)
    })

    test('keeps what it has when it is refused', async () => {
      await story.createOpenApp(store, 'refused')
      const phone = await phoneWith()
      expect(await phone.update(base('refused'), { channel: 'nowhere' })).toBe('error: Not Found')
      expect(await phone.update(base('nobody'))).toBe('error: Unauthorized')
    })
  })
})

/** One story; `npm test` looks for what the whole run has fetched. */
test.skipIf(process.env.HOTPATCH_ANDROID_PLUGINS_READY !== '1')(
  "the Kotlin of hot-updater's plugin, as it is published, updates, crashes, recovers and is explained",
  { timeout: 5 * 60_000 },
  async (context) => {
    const passed = /Android code of hot-updater 0\.36\.3: 1 passed, 0 failed/
    await playRealClient(context, { client: 'hot-updater-android', only: ['it updates'], passed })
  },
)
