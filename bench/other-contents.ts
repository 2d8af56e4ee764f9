import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { appImage, newMinisignKey, publishBinary, publishFiles, publishForm, sha256Of, zipOf } from '@hotpatch/testkit'
import type { RunningServer } from './sandbox.ts'

/** Apps of whole binaries, of files and of hot-updater's builds, beside that of the archives: each open, as their clients have no key. */
export const BINARIES = { slug: 'bench-binaries', platforms: ['linux'], version: '2.0.0' } as const
export const FILES = { slug: 'bench-files', platforms: ['android'], version: '2.0.0', runtimeVersion: '1' } as const
export const BUILDS = {
  slug: 'bench-builds',
  platforms: ['android'],
  version: '2.0.0',
  buildId: '019c167f-cc00-7000-8000-000000000001',
  /** Of what its binary shipped with. */
  embeddedId: '019b76da-a800-7000-8000-000000000000',
} as const

/** As many as a large app has. */
const ASSETS = 1_000
const METRO_BUNDLE = '_expo/static/js/android/index.hbc'

/** Publishes what the clients of these contents are then offered. */
export async function publishOtherContents({ url }: RunningServer, dataDirectory: string): Promise<void> {
  const server = { request: requester(url, (await readFile(join(dataDirectory, 'owner-token'), 'utf8')).trim()) }
  await publishBinaries(server)
  await publishExport(server)
  await publishBuild(server)
}

type Server = Parameters<typeof publishBinary>[0]

async function publishBinaries(server: Server): Promise<void> {
  await createApp(server, BINARIES)
  const key = newMinisignKey()
  const at = `/manage/v1/apps/${BINARIES.slug}`
  const registered = await server.request('POST', `${at}/keys`, {
    body: { algorithm: 'minisign', publicKey: key.pubkey },
  })
  const { version } = BINARIES
  const bytes = appImage(Buffer.from(version))
  const files = [{ name: `Bench_${version}_amd64.AppImage`, bytes, architecture: 'x64' }]
  const { releaseId } = await publishBinary(server, BINARIES, { platform: 'linux', version, files, notes: 'Faster.' })
  const signatures = [{ subject: sha256Of(bytes), value: key.signFile(bytes, { version }) }]
  const signed = await server.request('POST', `${at}/releases/${releaseId}/signatures`, {
    body: { scheme: 'minisign', keyId: registered.body.id, signatures },
  })
  if (signed.status !== 200) throw new Error(`The signature was not taken: ${JSON.stringify(signed.body)}`)
}

/** What `expo export` writes: the clients of asset updates take it, too. */
async function publishExport(server: Server): Promise<void> {
  await createApp(server, FILES)
  const paths = Array.from({ length: ASSETS }, (_, index) => `assets/${index.toString(16).padStart(32, '0')}`)
  const assets = paths.map((path) => ({ path, ext: 'png' }))
  const metadata = { version: 0, bundler: 'metro', fileMetadata: { android: { bundle: METRO_BUNDLE, assets } } }
  const { version, runtimeVersion } = FILES
  await publishFiles(server, FILES, {
    files: {
      [METRO_BUNDLE]: 'start()',
      'metadata.json': JSON.stringify(metadata),
      ...Object.fromEntries(paths.map((path) => [path, path])),
    },
    launch: METRO_BUNDLE,
    platform: 'android',
    version,
    runtimeVersion,
  })
}

/** What hot-updater's tool builds. */
async function publishBuild(server: Server): Promise<void> {
  await createApp(server, BUILDS)
  const { version, buildId } = BUILDS
  const bundle = Buffer.from('start()')
  const assets = { 'index.android.bundle': { fileHash: sha256Of(bundle) } }
  const manifest = JSON.stringify({ bundleId: buildId, assets })
  const zip = await zipOf({ 'index.android.bundle': bundle, 'manifest.json': manifest })
  const form = publishForm({ platform: 'android', version }, zip, {})
  const { status, body } = await server.request('POST', `/manage/v1/apps/${BUILDS.slug}/releases`, { form })
  if (status !== 201) throw new Error(`The build was not taken: ${JSON.stringify(body)}`)
}

async function createApp(server: Server, { slug, platforms }: { slug: string; platforms: readonly string[] }) {
  const body = { slug, platforms, checkAccess: 'open' }
  const { status, body: answered } = await server.request('POST', '/manage/v1/apps', { body })
  if (status !== 201) throw new Error(`The app could not be created: ${JSON.stringify(answered)}`)
}

function requester(url: string, token: string): Server['request'] {
  return async (method, path, options) => {
    const { body, form, headers } = options ?? {}
    const isBytes = body instanceof Uint8Array
    const json = body === undefined || isBytes ? undefined : JSON.stringify(body)
    const type = json === undefined ? {} : { 'content-type': 'application/json' }
    const init: RequestInit = { method, headers: { authorization: `Bearer ${token}`, ...type, ...headers } }
    init.body = form ?? json ?? (isBytes ? Buffer.from(body) : null)
    const response = await fetch(url + path, init)
    const text = await response.text()
    return {
      status: response.status,
      headers: Object.fromEntries(response.headers),
      body: text === '' ? '' : JSON.parse(text),
    }
  }
}
