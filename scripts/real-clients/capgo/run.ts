import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  constants,
  createCipheriv,
  createHash,
  generateKeyPairSync,
  privateEncrypt,
  randomBytes,
  randomUUID,
} from 'node:crypto'
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { createManagementClient } from '../../../packages/api/src/index.ts'
import { publishForm } from '../../../packages/testkit/src/publish-form.ts'
import { startServerProcess } from '../../../packages/testkit/src/server-process.ts'
import { zipOf } from '../../../packages/testkit/src/zip-of.ts'

/** Runs Capgo's plugin, the Java of its package as it is, against this checkout's server. Needs JDK 17, Maven and npm. */
const PLUGIN = '8.51.23'
const CAPACITOR = '8.5.2'
const MONITOR = 'androidx.test:monitor:1.8.0:aar'
/** The others are about Capacitor's bridge, menus and gestures. */
const SOURCES = [
  'BundleInfo',
  'BundleStatus',
  'Callback',
  'CapgoUpdater',
  'CryptoCipher',
  'DataManager',
  'DeviceIdHelper',
  'DownloadService',
  'DownloadWorkerManager',
  'InternalUtils',
  'Logger',
]
const here = fileURLToPath(new URL('.', import.meta.url))
const folder = join(tmpdir(), 'hotpatch-real-clients', 'capgo')
const run = promisify(execFile)

await prepare()
const data = join(folder, 'data')
await rm(data, { recursive: true, force: true })
await mkdir(data)
const server = await startServerProcess({ directory: data, env: { HOTPATCH_LOG_LEVEL: 'error' } })
try {
  await play()
} finally {
  await server.stop()
}

/** Outside the checkout, and kept for the next time. */
async function prepare(): Promise<void> {
  await mkdir(folder, { recursive: true })
  const unpack = async (name: string, version: string) => {
    const { stdout } = await run('npm', ['pack', `${name}@${version}`, '--silent'], { cwd: folder })
    const into = join(folder, name.replaceAll(/\W+/g, '-'))
    await mkdir(into, { recursive: true })
    await run('tar', ['xzf', stdout.trim(), '-C', into], { cwd: folder })
    return join(into, 'package')
  }
  const plugin = join(
    await unpack('@capgo/capacitor-updater', PLUGIN),
    'android/src/main/java/ee/forgr/capacitor_updater',
  )
  const capacitor = join(await unpack('@capacitor/android', CAPACITOR), 'capacitor/src/main/java/com/getcapacitor')
  await rm(join(folder, 'src'), { recursive: true, force: true })
  const main = join(folder, 'src/main/java')
  await cp(join(here, 'stubs'), main, { recursive: true })
  for (const name of SOURCES)
    await cp(join(plugin, `${name}.java`), join(main, 'ee/forgr/capacitor_updater', `${name}.java`))
  for (const name of ['JSObject', 'JSArray'])
    await cp(join(capacitor, `${name}.java`), join(main, 'com/getcapacitor', `${name}.java`))
  await cp(join(here, 'test'), join(folder, 'src/test/java/ee/forgr/capacitor_updater'), { recursive: true })
  await cp(join(here, 'pom.xml'), join(folder, 'pom.xml'))
  // Maven puts no such archive on a class path by itself.
  const aar = join(folder, 'aar')
  await mkdir(aar, { recursive: true })
  const copy = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy'
  const what = [`-Dartifact=${MONITOR}`, '-DoutputDirectory=.', '-Dmdep.useBaseVersion=true']
  await run('mvn', ['-B', '-q', copy, ...what], { cwd: aar })
  await run('unzip', ['-qo', 'monitor-1.8.0.aar', 'classes.jar'], { cwd: aar })
}

async function play(): Promise<void> {
  const api = createManagementClient({ url: server.url, token: server.ownerToken })
  const app = await api.createApp({
    slug: 'demo',
    checkAccess: 'open',
    deviceIds: 'as-given',
    bundleIds: ['com.example.app'],
  })
  await api.changeChannel(app.id, 'beta', { deviceChoice: 'open' })
  const large = 'console.log("a page has many of these")\n'.repeat(1_000)
  const one = { 'index.html': '<p>one</p>', 'assets/same.css': 'p { color: red }'.repeat(20), 'assets/large.js': large }
  const two = { ...one, 'index.html': '<p>two</p>', 'assets/large.js': `${large}// changed` }
  const publish = async (version: string, channel: string, files: Record<string, string>) => {
    const form = publishForm({ platform: 'android', version, channel }, await zipOf(files), {})
    const headers = { authorization: `Bearer ${server.ownerToken}` }
    const answer = await fetch(`${server.url}/manage/v1/apps/demo/releases`, { method: 'POST', headers, body: form })
    if (answer.status !== 201) throw new Error(`not published: ${await answer.text()}`)
    return (await answer.json()) as { releaseId: string; rolloutId: string }
  }
  await publish('1.0.0', 'production', one)
  await publish('1.1.0', 'beta', two)
  const sealed = await publish('2.0.0', 'staging', two)
  const publicKey = await encrypt(sealed.releaseId, two)
  await untilCompressed()

  const deviceId = randomUUID()
  const properties = {
    'hotpatch.server': server.url,
    'hotpatch.plugin': PLUGIN,
    'hotpatch.device': deviceId,
    'hotpatch.page.one': one['index.html'],
    'hotpatch.page.two': two['index.html'],
    'hotpatch.key': join(folder, 'key.pem'),
  }
  await writeFile(properties['hotpatch.key'], publicKey)
  const given = Object.entries(properties).map(([name, value]) => `-D${name}=${value}`)
  const maven = spawn('mvn', ['-B', '-q', 'test', ...given], { cwd: folder, stdio: 'inherit' })
  const [code] = (await once(maven, 'exit')) as [number]
  if (code !== 0) throw new Error('The plugin did not do what it should: see above.')

  const device = await api.getDevice(app.id, deviceId)
  const events = device.events.map(({ kind, code: reason, version }) =>
    [kind, version, reason].filter(Boolean).join(' '),
  )
  console.log(`The server heard:\n  ${events.toReversed().join('\n  ')}`)
  const expected = [
    'confirmed 1.0.0',
    'applied 1.0.0',
    'rolled-back 1.1.0 not-confirmed',
    'applied 1.1.0',
    'download-started 1.1.0',
  ]
  const missing = expected.filter((event) => !events.includes(event))
  if (missing.length > 0) throw new Error(`The server did not hear: ${missing.join(', ')}`)
  const report = join(folder, 'target/surefire-reports/ee.forgr.capacitor_updater.RealClientTest.txt')
  console.log((await readFile(report, 'utf8')).trim())
  console.log(`@capgo/capacitor-updater ${PLUGIN}: done`)
}

/** As the plugin's own tool does it. @returns the key that the app carries */
async function encrypt(releaseId: string, files: Record<string, string>): Promise<string> {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const seal = (bytes: Buffer) => privateEncrypt({ key: privateKey, padding: constants.RSA_PKCS1_PADDING }, bytes)
  const checksum = (bytes: Buffer) => seal(createHash('sha256').update(bytes).digest()).toString('hex')
  const [key, iv] = [randomBytes(16), randomBytes(16)]
  const close = (bytes: Buffer) => {
    const cipher = createCipheriv('aes-128-cbc', key, iv)
    return Buffer.concat([cipher.update(bytes), cipher.final()])
  }
  const pem = publicKey.export({ type: 'pkcs1', format: 'pem' }).toString()
  const bundle = await zipOf(files)
  const plain = Object.entries(files).map(([path, text]) => [path, Buffer.from(text)] as const)
  const metadata = {
    algorithm: 'capgo-v2',
    keyId: pem.replaceAll(/-----[^-]+-----|\s/g, '').slice(0, 20),
    sessionKey: `${iv.toString('base64')}:${seal(key).toString('base64')}`,
    checksum: checksum(bundle),
    files: plain.map(([path, bytes]) => ({ path, checksum: checksum(bytes) })),
  }
  const form = new FormData()
  form.set('metadata', new Blob([JSON.stringify(metadata)], { type: 'application/json' }), 'metadata.json')
  form.set('bundle', new Blob([new Uint8Array(close(bundle))]), 'bundle.zip')
  const closed = Object.fromEntries(plain.map(([path, bytes]) => [path, close(bytes)]))
  form.set('files', new Blob([new Uint8Array(await zipOf(closed))]), 'files.zip')
  const address = `${server.url}/manage/v1/apps/demo/releases/${releaseId}/variants`
  const headers = { authorization: `Bearer ${server.ownerToken}` }
  const answer = await fetch(address, { method: 'POST', headers, body: form })
  if (answer.status !== 201) throw new Error(`not added: ${await answer.text()}`)
  return pem
}

/** Which the server does in the background. */
async function untilCompressed(): Promise<void> {
  const body = {
    platform: 'android',
    device_id: 'probe',
    app_id: 'com.example.app',
    version_build: '0.1.0',
    defaultChannel: 'beta',
  }
  for (let times = 0; times < 300; times++) {
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch(`${server.url}/capgo/updates`, { method: 'POST', headers, body: JSON.stringify(body) })
    if ((await answer.text()).includes('large.js.br')) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error('Nothing was compressed.')
}
