import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { unzipSync } from 'fflate'
import type { ServerProcess } from '../../../packages/testkit/src/server-process.ts'
import { until } from '../attempt.ts'
import type { createPublisher } from '../publisher.ts'
import { createDeployment, type Store } from './update-story.ts'
import type { PackageSigning } from './stage.ts'
import { createTool } from './tool.ts'

interface Deployed {
  name: string
  key: string
}
interface Shown {
  label: string
  metrics: { active: number }
}

const TO_BUNDLE = `const { argv } = process
require('node:fs').writeFileSync(argv[argv.indexOf('--bundle-output') + 1], 'bundled')`

/** Somebody releases, promotes and rolls back with it; a device asks by the SDK what there is. */
export async function useTool(
  { tool, folder, server }: { tool: string; folder: string; server: Pick<ServerProcess, 'url' | 'ownerToken'> },
  ask: (deploymentKey: string, current: object) => Promise<Record<string, unknown> | null>,
): Promise<void> {
  const cwd = join(folder, 'app')
  const home = join(folder, 'home')
  const { done, run } = createTool({ script: tool, home, cwd })
  await mkdir(join(cwd, 'node_modules/react-native/local-cli'), { recursive: true })
  await mkdir(join(cwd, 'content'))
  await writeFile(join(cwd, 'package.json'), '{ "name": "app", "dependencies": { "react-native": "0.70.0" } }')
  await writeFile(join(cwd, 'index.js'), '')
  await writeFile(join(cwd, 'content/index.android.bundle'), 'one')
  await writeFile(join(cwd, 'index.android.bundle'), 'two')
  // What React Native's own command does, of which the tool wants the file alone.
  await writeFile(join(cwd, 'node_modules/react-native/local-cli/cli.js'), TO_BUNDLE)

  const { code, output } = await run('login', `${server.url}/code-push`, '--accessKey', 'nobodys')
  assert.match(`${code} ${output}`, /Error/)
  await done('login', `${server.url}/code-push`, '--accessKey', server.ownerToken)
  assert.match(await done('whoami'), /owner@token/)
  const key = /access key: (\S+)/.exec(await done('access-key', 'add', 'ci'))?.[1] ?? ''
  assert.match(await done('access-key', 'ls'), /owner.*ci/s)
  await done('app', 'add', 'ToolApp', 'Android', 'React-Native')
  assert.match(await done('app', 'ls'), /ToolApp.*Production, Staging/)
  assert.match(await done('collaborator', 'ls', 'ToolApp'), /owner@token \(Owner\)/)
  const deployments = JSON.parse(await done('deployment', 'ls', 'ToolApp', '-k', '--format', 'json')) as Deployed[]
  const deploymentKey = deployments.find(({ name }) => name === 'Staging')?.key ?? ''
  const check = (current: object = {}) => ask(deploymentKey, current)

  await done('release', 'ToolApp', 'content', '1.0.0', '--description', 'First')
  assert.partialDeepStrictEqual(await check(), { label: 'v1', description: 'First' })
  await done('release', 'ToolApp', 'index.android.bundle', '1.0.0', '--disabled', '--mandatory')
  assert.partialDeepStrictEqual(await check(), { label: 'v1' })
  await done('patch', 'ToolApp', 'Staging', '--disabled', 'false')
  assert.partialDeepStrictEqual(await check(), { label: 'v2', isMandatory: true })
  await done('release-react', 'ToolApp', 'android', '--targetBinaryVersion', '1.0.0', '--rollout', '20')
  assert.match((await run('release', 'ToolApp', 'content', '1.0.0')).output, /Error.*100% rollout/s)
  await done('patch', 'ToolApp', 'Staging', '--rollout', '100')
  assert.partialDeepStrictEqual(await check(), { label: 'v3' })
  await done('promote', 'ToolApp', 'Staging', 'Production')
  await done('rollback', 'ToolApp', 'Staging', '--targetRelease', 'v1')
  assert.partialDeepStrictEqual(await check(), { label: 'v4', description: 'First' })
  assert.equal(await check({ ...(await check()) }), null)
  await until('a device is counted', async () => {
    const [, , , last] = JSON.parse(
      await done('deployment', 'history', 'ToolApp', 'Staging', '--format', 'json'),
    ) as Shown[]
    assert.partialDeepStrictEqual(last, { label: 'v4', releaseMethod: 'Rollback', originalLabel: 'v1' })
    return last?.metrics.active === 1
  })
  assert.match(await done('deployment', 'history', 'ToolApp', 'Production'), /Promoted v3 from "Staging"/)

  await done('logout')
  await done('login', `${server.url}/code-push`, '--accessKey', key)
  await done('access-key', 'rm', 'ci')
  assert.match((await run('app', 'ls')).output, /Error/)
}

const SIGNATURE = 'CodePush/.codepushrelease'

/** Both tools sign for the same client: what one signs, the other's code says is signed. */
export async function signPackages(
  {
    tool,
    folder,
    server,
    signing,
    publisher,
    store,
  }: {
    tool: string
    folder: string
    server: Pick<ServerProcess, 'url' | 'ownerToken'>
    signing: PackageSigning
    publisher: Pick<Awaited<ReturnType<typeof createPublisher>>, 'hotpatch' | 'write'>
    store: Store
  },
  ask: (deploymentKey: string, current: object) => Promise<Record<string, unknown> | null>,
): Promise<void> {
  const cwd = join(folder, 'signed')
  const { publicKey, privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })
  const content = { 'key.pem': privateKey, 'content/index.android.bundle': 'signed', 'content/ä/logo.png': 'logo' }
  const deploymentKey = await createDeployment(store, 'signed')
  const signedHash = async () => {
    const { downloadUrl, packageHash } = (await ask(deploymentKey, {})) ?? {}
    const at = join(cwd, 'unpacked')
    await rm(at, { recursive: true, force: true })
    const zip = new Uint8Array(await (await fetch(String(downloadUrl))).arrayBuffer())
    for (const [path, bytes] of Object.entries(unzipSync(zip))) {
      await mkdir(dirname(join(at, path)), { recursive: true })
      await writeFile(join(at, path), bytes)
    }
    const token = await readFile(join(at, SIGNATURE), 'utf8')
    const { contentHash } = signing.verify(token, publicKey, { algorithms: ['RS256'] })
    assert.equal(contentHash, packageHash)
    assert.equal(await signing.generatePackageHashFromDirectory(at, at), contentHash)
    return contentHash
  }

  await publisher.write(content)
  const what = ['--app', 'signed', '--platform', 'android', '--version', '1.0.0', '--bundle-dir', 'content']
  await publisher.hotpatch('release', ...what, '--no-sign', '--any-native', '--code-push-key', 'key.pem')
  const first = await signedHash()

  const { done } = createTool({ script: tool, home: join(folder, 'home'), cwd })
  const there = join(cwd, 'CodePush')
  await mkdir(there, { recursive: true })
  await writeFile(join(cwd, 'key.pem'), privateKey)
  await writeFile(join(there, 'index.android.bundle'), 'signed by the other')
  await done('login', `${server.url}/code-push`, '--accessKey', server.ownerToken)
  await done('release', 'signed-android', 'CodePush', '1.0.0', '-d', 'Production', '-k', 'key.pem')
  assert.notEqual(await signedHash(), first)
}
