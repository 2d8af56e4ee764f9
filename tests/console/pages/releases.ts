import { newSigningKey, publishBinary, publishFiles, signRelease, zipOf } from '@hotpatch/testkit'
import { anApk } from '@hotpatch/testkit/binaries'
import type { Page } from 'playwright-core'
import type { Console } from '../open-console.ts'
import type { ConsolePages } from '../console-page.ts'

const APP = 'boutique'
const SIGNED = 'boutique-pro'
/** As of a project that is not small. */
const ASSETS = 1_500
const VERSIONS = 14

const ids = { bundle: '', signed: '', binary: '' }
const address = (path: string, app = APP) => `/apps/${app}${path}`

export const releasesPages: ConsolePages = {
  async seed(console) {
    await console.api.createApp({ slug: APP, name: 'Boutique', platforms: ['android', 'ios'] })
    await console.api.createApp({ slug: SIGNED, name: 'Boutique Pro', platforms: ['android'] })
    await seedBundles(console)
    await seedUpdates(console)
    await seedReports(console)
    await seedBinaries(console)
    await seedSigned(console)
    await console.api.openInstallPage(APP, 'production', { access: 'open' })
  },
  pages: [
    { name: 'releases', address: address('/releases'), shows: row('2.13.0') },
    {
      name: 'releases-nothing-found',
      address: address('/releases?search=99'),
      shows: (page) => page.getByRole('heading', { name: 'No release is like that' }).waitFor(),
    },
    {
      name: 'release',
      address: () => address(`/releases/${ids.bundle}`),
      shows: (page) => page.getByRole('heading', { name: 'Rolled out on' }).waitFor(),
    },
    {
      name: 'release-files',
      address: () => address(`/releases/${ids.bundle}?tab=files&order=size&search=product-001`),
      shows: text('assets/images/product-0019.png'),
    },
    {
      name: 'release-difference',
      address: () => address(`/releases/${ids.bundle}?tab=difference`),
      shows: text('assets/images/product-0007.png'),
    },
    {
      name: 'release-sizes',
      address: () => address(`/releases/${ids.bundle}?tab=downloads`),
      shows: (page) => page.getByRole('heading', { name: 'Patches to it' }).waitFor(),
    },
    {
      name: 'release-signatures',
      address: () => address(`/releases/${ids.signed}?tab=signatures`, SIGNED),
      shows: text('The signature is right'),
    },
    {
      name: 'release-of-a-whole-app',
      address: () => address(`/releases/${ids.binary}`),
      shows: text('RECORD_AUDIO'),
    },
    {
      name: 'publish',
      address: address('/releases/publish'),
      shows: (page) => page.getByRole('button', { name: 'Choose a folder' }).waitFor(),
      async prepare(page) {
        const buffer = anApk({ id: 'com.example.boutique', version: '3.2.0', versionCode: 320 })
        await page
          .getByTestId('choose-files')
          .setInputFiles({ name: 'boutique-3.2.0.apk', mimeType: 'application/octet-stream', buffer })
        await page.getByText('It comes on top of').waitFor()
      },
    },
    {
      name: 'publish-signed-only',
      address: address('/releases/publish', SIGNED),
      shows: text('Boutique Pro takes signed releases only'),
    },
    { name: 'app-versions', address: address('/app-versions'), shows: row('3.1.0+310') },
    { name: 'asset-updates', address: address('/asset-updates'), shows: row('1.2.0') },
    {
      name: 'asset-updates-deployments',
      address: address('/asset-updates?tab=deployments'),
      shows: (page) =>
        page
          .getByRole('button', { name: /Change the deployment of 1.2.0/ })
          .first()
          .waitFor(),
    },
    {
      name: 'asset-updates-statistics',
      address: address('/asset-updates?tab=statistics'),
      shows: (page) => page.getByRole('heading', { name: 'By update' }).waitFor(),
    },
  ],
}

function row(version: string) {
  return (page: Page) => page.getByRole('link', { name: version, exact: true }).first().waitFor()
}

function text(found: string) {
  return (page: Page) => page.getByText(found).first().waitFor()
}

async function seedBundles({ server, api }: Console): Promise<void> {
  const long = '2.12.0-rc.1.feature-checkout-redesign-2027.a1b2c3d4'
  for (let minor = 0; minor < VERSIONS; minor += 1) {
    const version = minor === VERSIONS - 2 ? long.slice(0, 49) : `2.${minor}.0`
    const isNewest = minor >= VERSIONS - 2
    const bundle = await zipOf(bundleFiles(minor, isNewest ? ASSETS : 3))
    const published = await server.published(
      { slug: APP },
      {
        version,
        bundle,
        channel: minor % 3 === 1 ? 'staging' : 'production',
        percentage: minor === VERSIONS - 1 ? 25 : 100,
        runtimeVersion: minor < 6 ? '48' : '49',
        notes: `What is new:\n\n- The basket remembers what is in it.\n- Products load ${minor + 2} times faster.`,
      },
    )
    if (minor === VERSIONS - 1) ids.bundle = published.releaseId
  }
  const [first] = (await api.listReleases(APP, { search: '2.0.0' })).items
  if (first) await api.archiveRelease(first.id)
}

function bundleFiles(minor: number, assets: number): Record<string, string> {
  const files: Record<string, string> = { 'index.android.bundle': `var release = ${minor};\n`.repeat(20_000) }
  for (let index = 0; index < assets; index += 1) {
    const name = `assets/images/product-${String(index).padStart(4, '0')}.png`
    files[name] = `picture ${index % 150 === 7 ? minor : 0} `.repeat(1 + (index % 40))
  }
  files['assets/src/components/checkout/steps/payment/methods/credit-card/assets/illustration-of-a-card@3x.png'] =
    'card'
  return files
}

/** Devices that take the newest update, and tell how it went. */
async function seedReports({ server, api }: Console): Promise<void> {
  const { id: appId, appKey } = await api.getApp(APP)
  const [update] = (await api.listReleases(APP, { kind: 'files', search: '1.1.0' })).items
  const headers = { 'x-app-key': appKey }
  for (let device = 0; device < 24; device += 1) {
    const deviceId = `device-${device}`
    const check = { projectId: APP, platform: 'android', runtimeVersion: '3', nativeVersion: '1.0', deviceId }
    await server.request('POST', '/api/v1/updates/check', { token: null, headers, body: check })
    const kinds = ['downloaded', device % 12 === 5 ? 'failed' : 'confirmed']
    const events = kinds.map((kind) => ({ id: `${kind}-${deviceId}`, kind, releaseId: update?.id }))
    const body = { appId, deviceId, platform: 'android', events }
    await server.request('POST', '/events', { token: null, headers, body })
  }
}

async function seedUpdates({ server }: Console): Promise<void> {
  for (const version of ['1.0.0', '1.1.0', '1.2.0']) {
    const files = { 'main.js': `start("${version}")`, 'assets/logo.png': 'logo', [`assets/${version}.json`]: '{}' }
    const shared = { files, launch: 'main.js', platform: 'android', runtimeVersion: '3' }
    await publishFiles(
      server,
      { slug: APP },
      { ...shared, version: version, percentage: version === '1.2.0' ? 20 : 100 },
    )
  }
}

async function seedBinaries({ server }: Console): Promise<void> {
  for (const [version, versionCode] of [
    ['3.0.0', 300],
    ['3.1.0', 310],
  ] as const) {
    const facts = { id: 'com.example.boutique', version, versionCode, name: 'Boutique' }
    const permissions = ['INTERNET', 'CAMERA', ...(versionCode > 300 ? ['RECORD_AUDIO'] : [])]
    const bytes = anApk({ ...facts, permissions: permissions.map((each) => `android.permission.${each}`) })
    const { releaseId } = await publishBinary(
      server,
      { slug: APP },
      {
        files: [{ name: `boutique-${version}.apk`, bytes, architecture: 'arm64-v8a' }],
        platform: 'android',
        version: `${version}+${versionCode}`,
        notes: 'A new camera.',
      },
    )
    ids.binary = releaseId
  }
}

async function seedSigned({ server, api }: Console): Promise<void> {
  const key = newSigningKey()
  const app = await api.getApp(SIGNED)
  await api.addKey(SIGNED, { publicKey: key.publicKey, name: 'Release key of the shop team' })
  const bundle = await zipOf({ 'index.android.bundle': 'signed' })
  const named = { appId: app.id, platform: 'android', version: '1.0.0', sequence: 1, bundle } as const
  const { releaseId } = await server.published(app, { version: '1.0.0', bundle, signatures: signRelease(key, named) })
  ids.signed = releaseId
}
