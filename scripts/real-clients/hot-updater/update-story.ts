import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import type { createManagementClient, PublishedRelease } from '../../../packages/api/src/index.ts'
import { noise } from '../../../packages/testkit/src/archives/index.ts'
import { until } from '../attempt.ts'
import { NO_BUILD } from './client.ts'
import type { Files } from '../publisher.ts'
import type { Phone } from './phone.ts'

export interface Store {
  api: ReturnType<typeof createManagementClient>
  publish: (app: string, version: string, files: Files, more?: object) => Promise<PublishedRelease>
  url: string
}

/** Built before all builds here, in 2026. */
export const EMBEDDED = '019b76da-a800-7000-8000-000000000000'
export const buildId = (number: number) => `019c167f-cc00-7000-8000-00000000000${number}`

/** As hot-updater's own tool builds it. @param sign what is put beside the digest of each file */
export function buildOf(id: string, files: Files, sign?: (sha256: string) => string): Files {
  const assets = Object.entries(files).map(([path, text]) => {
    const fileHash = createHash('sha256').update(text).digest('hex')
    return [path, { fileHash, ...(sign ? { signature: sign(fileHash) } : {}) }]
  })
  const manifest = JSON.stringify({ bundleId: id, assets: Object.fromEntries(assets) }, null, 2)
  return { ...files, 'manifest.json': `${manifest}\n` }
}

const LOGO = 'logo '.repeat(5_000)
export const filesOf = (text: string) => ({ 'index.android.bundle': text, 'assets/logo.png': LOGO })

export const createOpenApp = ({ api }: Store, slug: string) =>
  api.createApp({ slug, checkAccess: 'open', platforms: ['android', 'ios'] })

/** What every phone does, over whichever native half. */
export async function updateFailAndGoBack(store: Store, slug: string, phone: Phone): Promise<void> {
  const { api, publish, url } = store
  await createOpenApp(store, slug)
  const base = `${url}/hot-updater/${slug}`
  const told = async () => ({
    requestHeaders: { 'x-device-id': 'phone-1', 'x-crashed-bundles': (await phone.crashHistory()).join(',') },
  })
  const update = async () => phone.update(base, await told())

  await phone.start()
  assert.deepEqual([phone.bundle(), await update()], ['built in', 'nothing'])
  await publish(slug, '1.0.1', buildOf(buildId(1), filesOf('start(1)')))
  assert.equal(await update(), `UPDATE ${buildId(1)}`)
  await phone.start()
  assert.equal(phone.bundle(), 'start(1)')
  await phone.appear()
  assert.equal(await update(), 'nothing')
  phone.fetched()

  const second = await publish(slug, '1.0.2', buildOf(buildId(2), filesOf('start(2)')))
  assert.equal(await phone.update(`${base}/`, await told()), `UPDATE ${buildId(2)}`)
  // The manifest, and the one file that changed.
  assert.equal(phone.fetched().length, 2)
  await phone.start()
  assert.equal(phone.bundle(), 'start(2)')
  await phone.appear()

  await publish(slug, '1.0.3', buildOf(buildId(3), filesOf('throw 3')))
  assert.equal(await update(), `UPDATE ${buildId(3)}`)
  await phone.start()
  assert.equal(phone.bundle(), 'throw 3')
  await phone.crash()
  assert.equal(phone.bundle(), 'start(2)')
  assert.deepEqual(await phone.report(), { status: 'RECOVERED', crashedBundleId: buildId(3) })
  // An app that does not tell what crashed is offered it for good, and its client refuses it.
  await assert.rejects(phone.update(base, { requestHeaders: { 'x-device-id': 'phone-2' } }), /crashed history/)
  assert.equal(await update(), 'nothing')
  const why = await api.explain(slug, 'phone-1')
  assert.equal(why.decision.reason, 'runs-the-target')
  assert.match(JSON.stringify(why), /failed-on-this-device/)
  const { events } = await api.getDevice(slug, 'phone-1')
  assert.ok(events.some(({ kind, version, code }) => [kind, version, code].join() === 'crashed,1.0.3,launch-failed'))

  await api.haltRollout(second.rolloutId)
  assert.equal(await update(), `ROLLBACK ${buildId(1)}`)
  assert.equal(phone.bundle(), 'start(1)')
  await phone.appear()
  assert.equal(await update(), 'nothing')
  await api.rollBack(slug, { platform: 'android', channel: 'production', to: 'embedded' })
  assert.equal(await update(), 'ROLLBACK built in')
  assert.deepEqual([phone.bundle(), await update()], ['built in', 'nothing'])
  assert.equal((await api.explain(slug, 'phone-1')).device.currentVersion, null)
}

/** A server that makes patches from the release before. */
export const WITH_PATCHES = { HOTPATCH_PATCH_BASES: '1' }

/** @param damage what the way, or a disk, does to the bytes of this digest from now on */
export async function takePatches(
  store: Store,
  slug: string,
  phone: Phone,
  damage: (sha256: string) => Promise<void>,
): Promise<void> {
  const { api, publish, url } = store
  await createOpenApp(store, slug)
  const code = noise(30_000).toString('hex')
  const codeOf = (number: number) => `start(${number})${code}`
  const publishNext = (number: number) =>
    publish(slug, `1.0.${number}`, buildOf(buildId(number), filesOf(codeOf(number))))
  /** By its digest, when devices are offered it: that follows when it is made. */
  const patchTo = (number: number) =>
    until('the patch is offered', async () => {
      const { items } = await api.listPatches(slug)
      const made = items.find(
        (each) => each.kind === 'bsdiff43' && each.to === `1.0.${number}` && each.state === 'made',
      )
      const sha256 = made?.packed[0]?.sha256
      const place = `android/1.0/production/${NO_BUILD}/${buildId(number - 1)}`
      const answer = await fetch(`${url}/hot-updater/${slug}/app-version/${place}`)
      return sha256 !== undefined && (await answer.text()).includes(sha256) && sha256
    })
  const take = async (number: number) => {
    phone.fetched()
    assert.equal(await phone.update(`${url}/hot-updater/${slug}`), `UPDATE ${buildId(number)}`)
    await phone.start()
    assert.equal(phone.bundle(), codeOf(number))
    await phone.appear()
    return phone.fetched()
  }

  await phone.start()
  await publishNext(1)
  const [zip] = await take(1)
  await publishNext(2)
  const patch = await patchTo(2)
  // The first update is always the whole, and the next one the manifest and the patch.
  const [manifest, patched, ...others] = await take(2)
  assert.ok(patched?.url.includes(patch))
  assert.equal(others.length, 0)
  assert.ok((manifest?.bytes ?? 0) + (patched?.bytes ?? 0) < (zip?.bytes ?? 0) / 20)

  await publishNext(3)
  const damaged = await patchTo(3)
  await damage(damaged)
  const whole = await take(3)
  assert.deepEqual(
    whole.map((each) => each.url.includes(damaged)),
    [false, true, false],
  )
}
