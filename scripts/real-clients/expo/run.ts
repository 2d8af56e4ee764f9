import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { PublishedRelease } from '../../../packages/api/src/index.ts'
import { noise } from '../../../packages/testkit/src/archives/index.ts'
import { exportOf } from '../../../packages/testkit/src/expo/expo-export.ts'
import { needTools } from '../android/need-tools.ts'
import type { Files } from '../publisher.ts'
import { openStage } from '../android/stage.ts'
import { createStories } from '../stories.ts'
import { orSkip, until } from '../attempt.ts'
import { EXPO_UPDATES, expoClasses } from './client-classes.ts'
import { nativePatcher } from './native-patcher.ts'
import { startExpoPhones, type AppState, type Configuration } from './phone.ts'
import { createSigner, manifestOf, wayBackAt } from './signer.ts'

/** Not small when packed, and nearly the same each time. */
const codeOf = (name: string) => `${name} ${noise(20_000).toString('base64')} ${name}`
const BUILT_IN = codeOf('built in')
const BINARY = { id: 'f47ac10b-58cc-4372-a567-0e02b2c3d479', builtAt: Date.now() - 86_400_000, bundle: BUILT_IN }
/** A start waits for what the server has, as `fallbackToCacheTimeout` says it; by itself it waits for nothing. */
const WAIT_MS = 30_000
/** More than a guard needs to be sure. */
const FAILING = 14

/** Runs Expo's own client, its Kotlin as it is published, against this checkout's server. */
await needTools()
const client = await orSkip(
  expoClasses(),
  'This takes a JDK of 17 or later, Maven, and the packages of both registries.',
)
const native = await orSkip(nativePatcher(), 'This takes a C compiler, called cc.')
const env = {
  HOTPATCH_AUTOMATION_SECONDS: '0.2',
  HOTPATCH_DEVICE_REQUESTS_PER_MINUTE: '0',
  HOTPATCH_PATCH_BASES: '2',
}
const { server, network, api, hotpatch, write } = await openStage(join(client.folder, 'stage'), env)
const phones = await startExpoPhones(client, {
  binary: BINARY,
  javaOptions: [...network.options, `-Djava.library.path=${native}`],
  name: 'stories',
})
const { play, end } = createStories(process.argv[2])

const LOGO = { ext: 'png', bytes: 'a logo' }
const FONT = { ext: 'ttf', bytes: 'a font' }
const large = 'console.log("a bundle has many of these")\n'.repeat(1_000)
const one = exportOf({ bundle: 'one', assets: [LOGO, FONT] })
const two = exportOf({ bundle: 'two', assets: [LOGO, FONT, { ext: 'png', bytes: 'another logo' }] })

const addressOf = (app: string) => `${network.url}/expo/${app}/manifest`
const configure = (app: string, more: Configuration = {}): Configuration => ({
  updateUrl: addressOf(app),
  runtimeVersion: '1',
  launchWaitMs: WAIT_MS,
  ...more,
})

async function publish(app: string, version: string, files: Files, ...more: string[]): Promise<PublishedRelease> {
  const folder = `${app}-${version}`
  await write(Object.fromEntries(Object.entries(files).map(([path, text]) => [`${folder}/${path}`, text])))
  const what = ['--app', app, '--platform', 'android', '--version', version, '--runtime-version', '1', '--no-sign']
  return hotpatch<PublishedRelease>('publish', folder, ...what, ...more)
}

/** Each story has an app of its own. */
async function inApp(slug: string, story: () => Promise<void>): Promise<void> {
  await api.createApp({ slug, checkAccess: 'open', platforms: ['android'] })
  network.passed()
  try {
    await story()
  } finally {
    network.meddle(undefined)
    network.setDown(false)
  }
}

const start = (phone: string, app: string, more?: Configuration) => phones.start(phone, configure(app, more))
const assetsAsked = () => network.passed().filter(({ path }) => path.includes('/assets/')).length
const lastCheck = () => {
  const { headers } = network.passed().findLast(({ path }) => path.endsWith('/manifest')) ?? assert.fail('no check')
  return headers
}
const texts = (files: Files) =>
  Object.entries(files).flatMap(([path, text]) => (path.startsWith('assets/') ? [text] : []))
const assetsOf = ({ assets }: AppState) => Object.values(assets).sort()
const why = (app: string, headers: ReturnType<typeof lastCheck>) => api.explain(app, String(headers['eas-client-id']))
const heard = async (app: string, deviceId: string) =>
  (await api.getDevice(app, deviceId)).events.map(({ kind, version, code }) =>
    [kind, version, code].filter(Boolean).join(' '),
  )

await play('what was built in runs while there is nothing new', () =>
  inApp('nothing', async () => {
    const state = await start('nothing', 'nothing')
    assert.deepEqual([state.id, state.isEmbedded, state.bundle], [BINARY.id, true, BUILT_IN])
    assert.deepEqual(await phones.check(), { kind: 'nothing', reason: 'NO_UPDATE_AVAILABLE_ON_SERVER' })
    assert.deepEqual(
      network.passed().map(({ status }) => status),
      [204, 204],
    )
    await publish('nothing', '1.1.0', one, '--runtime-version', '2')
    assert.deepEqual(await phones.check(), { kind: 'nothing', reason: 'NO_UPDATE_AVAILABLE_ON_SERVER' })
    const { decision, device } = await why('nothing', lastCheck())
    assert.equal(device.runtimeVersion, '1')
    assert.notEqual(decision.kind, 'update')
  }),
)

await play('an update is taken whole, asset by asset, and the next brings only what is new', () =>
  inApp('whole', async () => {
    const first = exportOf({ bundle: large, assets: [LOGO, FONT] })
    await publish('whole', '1.1.0', first)
    const waited = await start('whole', 'whole')
    assert.deepEqual([waited.isEmbedded, waited.bundle], [false, large])
    assert.deepEqual(assetsOf(waited), texts(first).sort())
    assert.equal(assetsAsked(), 3)
    await phones.appear()
    assert.deepEqual(await phones.check(), { kind: 'nothing', reason: 'NO_UPDATE_AVAILABLE_ON_SERVER' })
    const headers = lastCheck()
    assert.deepEqual([headers['expo-current-update-id'], headers['expo-embedded-update-id']], [waited.id, BINARY.id])
    assert.equal((await why('whole', headers)).device.currentVersion, '1.1.0')

    await publish('whole', '1.2.0', two)
    const found = await phones.check()
    assert.equal(found.kind, 'update')
    network.passed()
    assert.equal((await phones.fetch()).kind, 'update')
    // The bundle, and one asset of three.
    assert.equal(assetsAsked(), 2)
    assert.equal((await phones.state()).bundle, large)
    const changed = await phones.reload()
    assert.deepEqual([changed.bundle, assetsOf(changed)], ['two', texts(two).sort()])

    // By itself it starts what it has, and what it finds meanwhile at the next start.
    await publish('whole', '1.3.0', exportOf({ bundle: 'three', assets: [LOGO] }))
    assert.equal((await start('whole', 'whole', { launchWaitMs: 0 })).bundle, 'two')
    assert.equal((await start('whole', 'whole', { launchWaitMs: 0 })).bundle, 'three')
  }),
)

await play('what is compressed arrives as it was', () =>
  inApp('compressed', async () => {
    const { releaseId } = await publish('compressed', '1.1.0', exportOf({ bundle: large }))
    const { items } = await api.listReleaseFiles(releaseId)
    const bundle = items.find(({ path }) => path.endsWith('.hbc')) ?? assert.fail('no bundle')
    const address = `${server.url}/expo/compressed/assets/${bundle.sha256}`
    await until('it is compressed', async () => {
      const answer = await fetch(address, {
        headers: { 'accept-encoding': 'zstd, br, gzip', 'expo-platform': 'android' },
      })
      await answer.arrayBuffer()
      return answer.headers.get('content-encoding') === 'br'
    })
    assert.equal((await start('compressed', 'compressed')).bundle, large)
  }),
)

await play('the bundle comes as a patch of what runs, and whole where that was changed on its way', () =>
  inApp('patched', async () => {
    const bundle = Buffer.from(BUILT_IN)
    const sha256 = createHash('sha256').update(bundle).digest('hex')
    const told = { platform: 'android' as const, id: BINARY.id, builtAt: new Date(BINARY.builtAt).toISOString() }
    await fetch(`${server.url}/manage/v1/apps/patched/artifacts/${sha256}?kind=asset`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${server.ownerToken}`, 'content-type': 'application/octet-stream' },
      body: bundle,
    })
    await api.addEmbeddedUpdate('patched', { ...told, sha256, sizeBytes: bundle.length })
    const bundles = () => network.passed().filter(({ path }) => path.includes('/assets/'))
    const next = async (version: string, from: string) => {
      await publish('patched', version, exportOf({ bundle: codeOf(version) }))
      await until(`there is a patch from ${from}`, async () =>
        (await api.listPatches('patched')).items.find(
          (each) => each.from === from && each.to === version && each.state === 'made',
        ),
      )
      network.passed()
      const state = await start('patched', 'patched')
      assert.equal(state.bundle, codeOf(version))
      await phones.appear()
      return state
    }
    // Of what was built in, of what came over the air, and one that is not what it was when it left.
    for (const [version, from, base] of [
      ['1.1.0', `embedded ${BINARY.id}`, BINARY.id],
      ['1.2.0', '1.1.0', undefined],
    ] as const) {
      const before = base ?? (await phones.state()).id
      await next(version, from)
      const [patched, ...others] = bundles()
      assert.deepEqual([patched?.status, others], [226, []])
      assert.equal(patched?.headers['a-im'], 'bsdiff')
      assert.equal(patched?.headers['expo-current-update-id'], before)
      assert.ok((patched?.bytes ?? Infinity) < bundle.length / 10)
    }
    network.meddle((_, { status, body }) => {
      if (status === 226) body.fill(7, 40)
      return { status, body }
    })
    await next('1.3.0', '1.2.0')
    const asked = bundles()
    assert.deepEqual(
      asked.map(({ status, headers }) => [status, headers['a-im']]),
      [
        [226, 'bsdiff'],
        [200, undefined],
      ],
    )
  }),
)

await play('the release before comes back as a new update, and nothing is fetched for it', () =>
  inApp('back', async () => {
    const first = await publish('back', '1.1.0', one)
    const before = await start('back', 'back')
    await phones.appear()
    await publish('back', '1.2.0', two)
    const after = await start('back', 'back')
    assert.equal(after.bundle, 'two')
    await phones.appear()
    await api.rollBack('back', { platform: 'android', channel: 'production', to: { releaseId: first.releaseId } })
    network.passed()
    const back = await start('back', 'back')
    assert.equal(back.bundle, 'one')
    assert.notEqual(back.id, before.id)
    assert.equal(assetsAsked(), 0)
    const timeOf = (id: string) => back.updates.find((each) => each.id === id)?.commitTime ?? 0
    assert.ok(timeOf(back.id) > timeOf(after.id))
    assert.equal((await phones.check()).kind, 'nothing')
    assert.equal((await why('back', lastCheck())).device.currentVersion, '1.1.0')
  }),
)

await play('what was built in comes back by a directive, and later updates after it', () =>
  inApp('embedded', async () => {
    await publish('embedded', '1.1.0', one)
    assert.equal((await start('embedded', 'embedded')).bundle, 'one')
    await phones.appear()
    const rollback = await api.rollBack('embedded', { platform: 'android', channel: 'production', to: 'embedded' })
    const found = await phones.check()
    assert.equal(found.kind, 'roll-back')
    assert.deepEqual(await phones.fetch(), { kind: 'roll-back' })
    const back = await phones.reload()
    assert.deepEqual([back.id, back.isEmbedded, back.bundle], [BINARY.id, true, BUILT_IN])
    network.passed()
    assert.equal((await phones.check()).kind, 'nothing')
    // What the server asked it to say from then on.
    assert.match(String(lastCheck()['hotpatch-sent-back-at']), /^\d{4}-.*Z$/)
    await api.withdrawRollout(rollback.id)
    const again = await start('embedded', 'embedded')
    assert.equal(again.bundle, 'one')
    await publish('embedded', '1.2.0', two)
    assert.equal((await start('embedded', 'embedded')).bundle, 'two')
  }),
)

await play('a start that fails is told, not offered again, and trips the guard', () =>
  inApp('failing', async () => {
    await hotpatch('apps', 'set', 'failing', '--trust-minutes', '0', '--trust-network', '100')
    await publish('failing', '1.1.0', one)
    const guard = ['--guard', 'roll-back', '--guard-sample', '10', '--guard-times', 'off']
    assert.equal((await start('failing-0', 'failing')).bundle, 'one')
    await phones.appear()
    const bad = await publish('failing', '1.2.0', exportOf({ bundle: 'does not start', assets: [LOGO] }), ...guard)
    const taken = await start('failing-0', 'failing')
    assert.equal(taken.bundle, 'does not start')
    const recovered = await phones.crash('it does not start')
    assert.deepEqual([recovered.bundle, recovered.died], ['one', []])
    network.passed()
    assert.equal((await phones.check()).kind, 'nothing')
    const headers = lastCheck()
    assert.equal(headers['expo-recent-failed-update-ids'], `"${taken.id}"`)
    const device = String(headers['eas-client-id'])
    await until('the server heard', async () =>
      (await heard('failing', device)).includes('crashed 1.2.0 launch-failed'),
    )
    assert.deepEqual((await why('failing', headers)).device.failedReleaseIds, [bad.releaseId])

    const isWatching = async () => (await api.getGuard(bad.rolloutId)).state === 'watching'
    for (let index = 1; index <= FAILING && (await isWatching()); index += 1) {
      const { bundle } = await start(`failing-${index}`, 'failing')
      if (bundle !== 'does not start') break
      await phones.crash('it does not start')
      await phones.check()
    }
    await until('the guard has acted', async () => !(await isWatching()))
    assert.equal((await start('failing-later', 'failing')).bundle, 'one')
  }),
)

await play('an app that dies once something was shown starts again, and one that lost its files says so', () =>
  inApp('dying', async () => {
    await publish('dying', '1.1.0', one)
    assert.equal((await start('dying', 'dying')).bundle, 'one')
    await phones.appear()
    await until('it counts as started', async () => (await phones.state()).updates.some(({ launched }) => launched > 0))
    assert.deepEqual((await phones.crash('out of nowhere')).died, ['out of nowhere'])
    assert.equal((await start('dying', 'dying')).bundle, 'one')

    await rm(join(phones.folderOf('dying'), 'files'), { recursive: true })
    network.setDown(true)
    assert.equal((await start('dying', 'dying')).isEmergency, true)
    network.setDown(false)
    network.passed()
    assert.equal((await start('dying', 'dying')).bundle, 'one')
    const { headers } = network.passed().find(({ path }) => path.endsWith('/manifest')) ?? assert.fail('no check')
    assert.match(String(headers['expo-fatal-error']), /Failed to download/)
    const device = String(headers['eas-client-id'])
    await until('the server heard', async () => (await heard('dying', device)).includes('crashed 1.1.0 crashed-in-use'))
    assert.deepEqual((await why('dying', headers)).device.failedReleaseIds, [])
  }),
)

await play('what was changed on its way is refused', () =>
  inApp('changed', async () => {
    await publish('changed', '1.1.0', one)
    network.meddle((path, { status, body }) => {
      return { status, body: path.includes('/assets/') ? Buffer.concat([body, Buffer.from('!')]) : body }
    })
    assert.equal((await start('changed', 'changed')).isEmbedded, true)
    const refused = await phones.fetch()
    assert.ok(refused.kind === 'error' && /SHA-256 did not match/.test(refused.reasons.join()), JSON.stringify(refused))
    network.meddle(undefined)
    // What it got is in its cache, and stays there as long as the answer said.
    assert.equal((await phones.fetch()).kind, 'error')
    assert.equal((await start('changed-later', 'changed')).bundle, 'one')
  }),
)

await play('filters and headers of another server are kept by the client, and hide nothing', () =>
  inApp('filters', async () => {
    network.meddle((_, answer) => ({
      ...answer,
      headers: {
        'expo-manifest-filters': 'branchname="main"',
        'expo-server-defined-headers': 'from-before="yes"',
      },
    }))
    await start('filters', 'filters')
    network.meddle(undefined)
    await publish('filters', '1.1.0', one)
    assert.equal((await start('filters', 'filters')).bundle, 'one')
    assert.equal(lastCheck()['from-before'], 'yes')
    await phones.check()
    await publish('filters', '1.2.0', two)
    assert.equal((await start('filters', 'filters')).bundle, 'two')
  }),
)

await play('a channel is a header, which the app may change', () =>
  inApp('channels', async () => {
    await publish('channels', '2.0.0', two, '--channel', 'beta')
    await publish('channels', '1.1.0', one)
    const requestHeaders = { 'expo-channel-name': 'production' }
    assert.equal((await start('channels', 'channels', { requestHeaders })).bundle, 'one')
    await phones.appear()
    // What beta has is older, but was never another channel's.
    await phones.overrideHeaders({ 'expo-channel-name': 'beta' })
    assert.equal((await start('channels', 'channels', { requestHeaders })).bundle, 'two')
    const headers = lastCheck()
    assert.equal(headers['expo-channel-name'], 'beta')
    assert.equal((await why('channels', headers)).device.channel, 'beta')
  }),
)

await play('what the app says of itself decides', () =>
  inApp('extras', async () => {
    await publish('extras', '1.1.0', one, '--rule', 'locale in de-AT')
    await start('extras', 'extras')
    assert.equal((await phones.check()).kind, 'nothing')
    await phones.setExtra('locale', 'de-AT')
    assert.equal((await phones.check()).kind, 'update')
    const { attributes } = (await why('extras', lastCheck())).device
    assert.equal(attributes.locale, 'de-AT')
  }),
)

await play('half of the phones get what half of them are to get', () =>
  inApp('half', async () => {
    await publish('half', '1.1.0', one)
    await publish('half', '1.2.0', two, '--rollout', '50')
    const bundles: string[] = []
    for (let index = 0; index < 10; index += 1) {
      const { bundle } = await start(`half-${index}`, 'half')
      const { decision } = await why('half', lastCheck())
      assert.match(decision.reason, /\S/)
      bundles.push(bundle)
    }
    assert.deepEqual([...new Set(bundles)].sort(), ['one', 'two'])
  }),
)

await play('with a certificate it takes what was signed for it, there and back, and nothing else', () =>
  inApp('signed', async () => {
    const signer = createSigner()
    const more = signer.configuration
    const assetsUrl = `${network.url}/expo/signed/assets`
    const first = await publish('signed', '1.1.0', one)
    assert.equal((await start('signed', 'signed', more)).isEmbedded, true)
    const unsigned = lastCheck()
    assert.equal(unsigned['expo-expect-signature'], 'sig, keyid="main", alg="rsa-v1_5-sha256"')
    assert.equal((await api.getDevice('signed', String(unsigned['eas-client-id']))).lastReason, 'answer-not-signed')

    const manifest = (releaseId: string, files: Files, at: number) =>
      manifestOf(api, { releaseId, files, at, assetsUrl })
    await signer.send(api, 'signed', [await manifest(first.releaseId, one, Date.now())])
    // Nobody on the way changes what it says, nor takes the signature away.
    const meddle = (change: (text: string) => string) =>
      network.meddle((_, { status, body }) => ({ status, body: Buffer.from(change(body.toString())) }))
    const refusal = async () => {
      const found = await phones.check()
      return found.kind === 'error' ? found.reasons.join(': ') : found.kind
    }
    meddle((text) => text.replace('"runtimeVersion":"1"', '"runtimeVersion":"2"'))
    assert.match(await refusal(), /Incorrect signature/)
    meddle((text) => text.replace(/expo-signature: .*\r\n/, ''))
    assert.match(await refusal(), /No expo-signature header specified/)
    network.meddle(undefined)
    assert.equal((await start('signed', 'signed', more)).bundle, 'one')
    await phones.appear()

    const second = await publish('signed', '1.2.0', two)
    const at = Date.now()
    await signer.send(api, 'signed', [
      await manifest(second.releaseId, two, at),
      await manifest(first.releaseId, one, at + 1),
      wayBackAt(at + 2),
    ])
    assert.equal((await start('signed', 'signed', more)).bundle, 'two')
    await phones.appear()
    await api.haltRollout(second.rolloutId)
    assert.equal((await start('signed', 'signed', more)).bundle, 'one')
    await phones.appear()
    await api.rollBack('signed', { platform: 'android', channel: 'production', to: 'embedded' })
    assert.deepEqual(await phones.fetch(), { kind: 'roll-back' })
    assert.equal((await phones.reload()).bundle, BUILT_IN)

    // Another publisher's app, and one that was built with no certificate.
    await start('signed-other', 'signed', { ...createSigner().configuration, checkOnLaunch: 'NEVER' })
    await api.createApp({ slug: 'signed-2', checkAccess: 'open', platforms: ['android'] })
    const own = await publish('signed-2', '1.1.0', one)
    const address = { assetsUrl: `${network.url}/expo/signed-2/assets`, files: one }
    await signer.send(api, 'signed-2', [
      await manifestOf(api, { releaseId: own.releaseId, at: Date.now(), ...address }),
    ])
    await start('signed-other', 'signed-2', { ...createSigner().configuration, checkOnLaunch: 'NEVER' })
    assert.match(await refusal(), /Incorrect signature/)
    assert.equal((await start('signed-none', 'signed-2')).bundle, 'one')
  }),
)

await play('no phone asked anybody else', async () => {
  assert.deepEqual(network.refused(), [])
})

await phones.end()
await network.close()
await server.stop()
end(`expo-updates ${EXPO_UPDATES}`)
