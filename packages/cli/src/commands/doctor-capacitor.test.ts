import { generateKeyPairSync } from 'node:crypto'
import type { App } from '@hotpatch/api'
import { describe, expect, test } from 'vitest'
import type { Check } from '../doctor/check.ts'
import { useServer } from '../testing/server-suite.ts'

const server = useServer()
const aKey = () => generateKeyPairSync('rsa', { modulusLength: 2048 })
const [own, other] = [aKey(), aKey()]
const privatePem = own.privateKey.export({ type: 'pkcs1', format: 'pem' }).toString()
const capgoPem = ({ publicKey }: ReturnType<typeof aKey>) =>
  publicKey.export({ type: 'pkcs1', format: 'pem' }).toString()
const spkiPem = ({ publicKey }: ReturnType<typeof aKey>) => publicKey.export({ type: 'spki', format: 'pem' }).toString()

let bundleIds = 0

/** What doctor says of a project with these settings of its plugin. */
async function createProject(plugins: Record<string, string>) {
  const publisher = await server.createPublisher()
  const { app, write, run } = publisher
  const appId = `com.example.app${(bundleIds += 1)}`
  await write({ 'package.json': JSON.stringify({ dependencies: plugins }) })
  async function diagnose(settings: (app: App) => object) {
    await write({ 'capacitor.config.json': JSON.stringify({ appId, webDir: 'www', plugins: settings(app) }) })
    const { checks } = JSON.parse((await run('doctor --json')).stdout) as { checks: Check[] }
    return { checks, states: Object.fromEntries(checks.map(({ id, status }) => [id, status])) }
  }
  return { ...publisher, appId, diagnose }
}

const addressesAt = (base: string) => ({
  updateUrl: `${base}/updates`,
  statsUrl: `${base}/stats`,
  channelUrl: `${base}/channel_self`,
})

describe("doctor on a project with Capgo's plugin", () => {
  const plugins = { '@capgo/capacitor-updater': '^8.51.0' }
  const at = (app: App) => addressesAt(`${server.url()}/apps/${app.slug}/capgo`)

  test('finds all of it in order', async () => {
    const { diagnose, json, app, appId, write } = await createProject(plugins)
    await json(`apps set ${app.slug} --check-access open --bundle-ids ${appId} --yes`)
    await write({ '.capgo_key_v2': privatePem })
    const { states } = await diagnose((found) => ({ CapacitorUpdater: { ...at(found), publicKey: capgoPem(own) } }))
    expect(states).toMatchObject({
      capacitor: 'ok',
      'update-plugin': 'ok',
      'capgo-update-url': 'ok',
      'capgo-stats-url': 'ok',
      'capgo-channel-url': 'ok',
      'capgo-auto-update': 'ok',
      'capgo-key': 'ok',
      'check-access': 'ok',
      'bundle-id': 'ok',
    })
    expect(states).not.toHaveProperty('react-native')
    const root = await diagnose(() => ({ CapacitorUpdater: addressesAt(`${server.url()}/capgo`) }))
    expect(root.states).toMatchObject({ 'capgo-update-url': 'ok', 'capgo-key': 'warn' })
  })

  test('says what still asks the cloud, and what to do', async () => {
    const { diagnose, app, appId } = await createProject(plugins)
    const { checks, states } = await diagnose(() => ({ CapacitorUpdater: { autoUpdate: false, statsUrl: '' } }))
    const updateUrl = `'${server.url()}/apps/${app.slug}/capgo/updates'`
    expect(checks).toContainEqual(
      expect.objectContaining({ id: 'capgo-update-url', status: 'fail', fix: expect.stringContaining(updateUrl) }),
    )
    expect(states).toMatchObject({
      'capgo-stats-url': 'warn',
      'capgo-channel-url': 'fail',
      'capgo-auto-update': 'warn',
    })
    const open = `hotpatch apps set ${app.slug} --check-access open`
    expect(checks).toContainEqual(expect.objectContaining({ id: 'check-access', status: 'fail', fix: open }))
    const named = `hotpatch apps set ${app.slug} --bundle-ids ${appId}`
    expect(checks).toContainEqual(expect.objectContaining({ id: 'bundle-id', status: 'warn', fix: named }))
  })

  test.each([
    ['another server', 'https://elsewhere.example.com/apps/x/capgo/updates', 'and this server is'],
    ['another app', '/apps/another/capgo/updates', 'is not asked about'],
    ['no address', 'soon', 'and this server is'],
  ])('finds an updateUrl of %s', async (_case, updateUrl, message) => {
    const { diagnose } = await createProject(plugins)
    const given = updateUrl.startsWith('/') ? server.url() + updateUrl : updateUrl
    const { checks } = await diagnose((app) => ({ CapacitorUpdater: { ...at(app), updateUrl: given } }))
    expect(checks).toContainEqual(
      expect.objectContaining({ id: 'capgo-update-url', status: 'fail', message: expect.stringContaining(message) }),
    )
  })

  test('finds a key that the app cannot open, and one that is none', async () => {
    const { diagnose, write } = await createProject(plugins)
    await write({ '.capgo_key_v2': privatePem })
    const state = async (publicKey: object) =>
      (await diagnose(() => ({ CapacitorUpdater: publicKey }))).states['capgo-key']
    expect(await state({ publicKey: capgoPem(other) })).toBe('fail')
    expect(await state({ publicKey: 'none' })).toBe('fail')
    expect(await state({})).toBe('warn')
    await write({ '.capgo_key_v2': 'broken' })
    expect(await state({ publicKey: capgoPem(own) })).toBe('fail')
  })

  test('knows that the app asks by itself where our own package does', async () => {
    const { diagnose } = await createProject({ ...plugins, '@hotpatch/capacitor': '1' })
    const on = await diagnose(() => ({ CapacitorUpdater: {} }))
    expect(on.states).toMatchObject({ 'capgo-auto-update': 'fail' })
    expect(on.states).not.toHaveProperty('capgo-update-url')
    const off = await diagnose(() => ({ CapacitorUpdater: { autoUpdate: false } }))
    expect(off.states).toMatchObject({ 'capgo-auto-update': 'ok' })
  })
})

describe("doctor on a project with Capawesome's plugin", () => {
  const plugins = { '@capawesome/capacitor-live-update': '^8.4.0' }

  test('finds what asks its cloud, and a key that does not fit', async () => {
    const { diagnose, app, json, write } = await createProject(plugins)
    const cloud = await diagnose(() => ({ LiveUpdate: {} }))
    expect(cloud.states).toMatchObject({
      'live-update-server': 'fail',
      'live-update-app': 'fail',
      'check-access': 'fail',
    })
    await json(`apps set ${app.slug} --check-access open --yes`)
    await write({
      'rsa.pem': privatePem,
      'hotpatch.json': JSON.stringify({ app: app.slug, defaults: { rsaKey: 'rsa.pem' } }),
    })
    const settings = { serverDomain: new URL(server.url()).host, appId: app.id }
    const right = await diagnose(() => ({ LiveUpdate: { ...settings, publicKey: spkiPem(own) } }))
    // The plugin asks by https, and this server has none.
    expect(right.states).toMatchObject({
      'live-update-server': 'warn',
      'live-update-app': 'ok',
      'check-access': 'ok',
      'live-update-key': 'ok',
    })
    const wrong = await diagnose(() => ({ LiveUpdate: { ...settings, publicKey: spkiPem(other) } }))
    expect(wrong.states).toMatchObject({ 'live-update-key': 'fail' })
  })

  test('wants one plugin, not two and not none', async () => {
    const both = await createProject({ ...plugins, '@capgo/capacitor-updater': '8' })
    expect((await both.diagnose(() => ({}))).states).toMatchObject({ 'update-plugin': 'fail' })
    const none = await createProject({})
    expect((await none.diagnose(() => ({}))).states).toMatchObject({ 'update-plugin': 'warn' })
  })
})
