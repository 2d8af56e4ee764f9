import { rm } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'
import { styleText } from 'node:util'
import { createManagementClient, type App, type NewRelease, type PublishedRelease } from '@hotpatch/api'
import { writeReleaseStatement } from '@hotpatch/protocol'
import { makeTemporaryDirectory } from '../make-temporary-directory.ts'
import { publishForm } from '../publish-form.ts'
import { startServerProcess } from '../server-process.ts'
import { newSigningKey, signRelease, signStatement } from '../signing.ts'
import { bundleOf } from '../zip-of.ts'
import { createPhone, type Phone } from './phone.ts'
import { chart, tell } from './story.ts'

const PHONES = 100
const LIFE_MS = 60_000
/** How long an owner leaves the app closed: about 1 to 4 seconds stand for a day. */
const PAUSE_MS = [1_000, 4_000] as const
const BAD_VERSION = '1.2.0'
const ROLLBACKS_TO_ACT_ON = 5

const directory = await makeTemporaryDirectory()
const server = await startServerProcess({ directory, env: { HOTPATCH_LOG_LEVEL: 'warn' } })
const end = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => end.abort())
const startedAt = Date.now()
const say = (text: string) => tell(startedAt, text)
const api = createManagementClient({ url: server.url, token: server.ownerToken })
const key = newSigningKey()

try {
  await live()
} finally {
  end.abort()
  await server.stop()
  await rm(directory, { recursive: true, force: true })
}

async function live(): Promise<void> {
  say(`A server runs at ${server.url}, on an empty folder.`)
  const app = await api.createApp({ slug: 'demo', name: 'Demo', platforms: ['android'] })
  say(`The app "demo" is made. ${PHONES} people have it from the store, and open it now and then.`)
  const phones = Array.from({ length: PHONES }, (_, index) => createDemoPhone(app, index))
  const lives = phones.map((phone) => liveOn(phone))
  const reporter = report(phones)

  await publish(app, '1.0.0', { percentage: 100 })
  say('1.0.0 is published, signed, to everyone.')
  await until(14_000)

  const second = await publish(app, '1.1.0', { percentage: 10 })
  say('1.1.0 is published to 10 %.')
  await until(20_000)
  await api.changeRollout(second.rolloutId, { percentage: 50 })
  say('It looks well: 1.1.0 goes to 50 %.')
  await until(26_000)
  await api.changeRollout(second.rolloutId, { percentage: 100 })
  say('1.1.0 goes to everyone.')
  await until(34_000)

  const bad = await publish(app, BAD_VERSION, { percentage: 30 })
  say(styleText('red', `${BAD_VERSION} is published to 30 %. It crashes before its first screen.`))
  await stopTheBadRelease(app, bad)

  await until(LIFE_MS)
  end.abort()
  await Promise.all([...lives, reporter])
  await sumUp(phones, bad)
}

function createDemoPhone(app: App, index: number): Phone {
  const id = `phone-${String(index + 1).padStart(3, '0')}`
  const crashesOn = (version: string) => version === BAD_VERSION
  return createPhone({ id, serverUrl: server.url, app, publicKey: key.publicKey, crashesOn })
}

async function liveOn(phone: Phone): Promise<void> {
  while (!end.signal.aborted) {
    await phone.open()
    const [shortest, longest] = PAUSE_MS
    await pause(shortest + Math.random() * (longest - shortest))
  }
}

/** Every four seconds: who runs what. */
async function report(phones: readonly Phone[]): Promise<void> {
  while (!end.signal.aborted) {
    await pause(4_000)
    say(`      ${chart(versionsOf(phones), PHONES)}`)
  }
}

/** What a person would do who watches: the phones have helped themselves already. */
async function stopTheBadRelease(app: App, bad: PublishedRelease): Promise<void> {
  while (!end.signal.aborted) {
    const rolledBack = await countFailures(app, bad.releaseId)
    if (rolledBack >= ROLLBACKS_TO_ACT_ON) {
      say(`${rolledBack} phones have reported that they rolled ${BAD_VERSION} back by themselves.`)
      await api.haltRollout(bad.rolloutId)
      say(styleText('green', `${BAD_VERSION} is halted: nobody else gets it, and who has it goes back.`))
      await rollBack(app)
      return
    }
    await pause(500)
  }
}

async function countFailures(app: App, releaseId: string): Promise<number> {
  const { items } = await api.listDevices(app.slug, { limit: 200 })
  return items.filter((device) => device.failedReleaseIds.includes(releaseId)).length
}

/** The same content again, signed under the next sequence: phones refuse to go below what they have seen otherwise. */
async function rollBack(app: App): Promise<void> {
  const [good] = (await api.listReleases(app.slug, { version: '1.1.0' })).items
  if (!good) throw new Error('1.1.0 is gone')
  const { nextSequence } = await api.getNextSequence(app.slug, 'android')
  const statement = writeReleaseStatement({
    appId: app.id,
    platform: 'android',
    target: 'release',
    version: good.version,
    sequence: nextSequence,
    floor: 0,
    requirement: {},
    artifacts: [{ name: 'bundle.zip', sha256: good.sha256, sizeBytes: good.sizeBytes }],
    createdAt: new Date().toISOString(),
  })
  const to = { version: good.version }
  await api.rollBack(app.slug, { platform: 'android', channel: 'production', to, ...signStatement(key, statement) })
  say('A roll-back to 1.1.0 is signed and placed on top.')
}

async function publish(app: App, version: string, options: Partial<NewRelease>): Promise<PublishedRelease> {
  const bundle = await bundleOf(`console.log('This is ${version}')`)
  const { nextSequence: sequence } = await api.getNextSequence(app.slug, 'android')
  const signatures = signRelease(key, { appId: app.id, platform: 'android', version, sequence, bundle })
  const form = new Response(publishForm({ platform: 'android', version, ...options }, bundle, signatures))
  const contentType = form.headers.get('content-type') ?? ''
  const bytes = new Uint8Array(await form.arrayBuffer())
  return api.publishRelease(app.slug, { contentType, sizeBytes: bytes.length, body: new Blob([bytes]).stream() })
}

async function sumUp(phones: readonly Phone[], bad: PublishedRelease): Promise<void> {
  say(`      ${chart(versionsOf(phones), PHONES)}`)
  const affected = phones.filter((phone) => phone.state.crashes > 0)
  const crashes = affected.reduce((sum, phone) => sum + phone.state.crashes, 0)
  const recovered = affected.filter((phone) => phone.state.version !== BAD_VERSION)
  say(`${affected.length} phones met ${BAD_VERSION}; it crashed ${crashes} times, at most twice on each.`)
  say(`${recovered.length} of them run something good again, ${phones.length - affected.length} never noticed.`)
  const [first] = affected
  if (!first) return
  const { rollouts } = await api.explain('demo', first.id)
  const verdict = rollouts
    .find((rollout) => rollout.releaseId === bad.releaseId)
    ?.verdicts.filter((each) => !each.passed)
  say(`Why does ${first.id} not get ${BAD_VERSION} again? ${verdict?.map((each) => each.explanation).join(' ')}`)
}

function versionsOf(phones: readonly Phone[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { state } of phones) counts.set(state.version, (counts.get(state.version) ?? 0) + 1)
  return counts
}

function until(milliseconds: number): Promise<void> {
  return pause(startedAt + milliseconds - Date.now())
}

/** Ends early when the demo does. */
async function pause(milliseconds: number): Promise<void> {
  if (milliseconds > 0) await wait(milliseconds, undefined, { signal: end.signal }).catch(() => undefined)
}
