import { generateKeyPairSync } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Check } from '../doctor/check.ts'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Page, Release } from '@hotpatch/api'
import { anApk } from '@hotpatch/testkit/binaries'
import { SOURCE_KEY, startCodePushSource } from '../testing/code-push-source.ts'
import { bundleIdOf, hotUpdaterBucket, hotUpdaterBundle } from '../testing/hot-updater-source.ts'
import { newExpoCertificate } from '../testing/expo-certificate.ts'
import { EXPO_PROGRAM } from '../testing/expo-program.ts'
import { createTool } from '../testing/run-tool.ts'
import { useServer } from '../testing/server-suite.ts'
import { zipOf } from '@hotpatch/testkit'
import { xpremBucket } from '../testing/xprem-bucket.ts'

const GUIDES = new URL('../../../../docs/guides/', import.meta.url)
const ADDRESS = 'https://updates.example.com'
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const pem = privateKey.export({ type: 'pkcs1', format: 'pem' }).toString()

/** Its commands, but for those of others, and the configuration that it shows. */
async function readGuide(name: string) {
  const text = await readFile(new URL(name, GUIDES), 'utf8')
  const commands = [...text.matchAll(/^```sh\n(.*?)^```/gms)].flatMap(([, code = '']) => code.trim().split('\n'))
  const config = /^```ts\n(.*?)^```/ms.exec(text)?.[1] ?? ''
  return { config, lines: commands.filter((line) => line.startsWith('hotpatch ')) }
}

/** The output that it shows first. */
async function shownIn(name: string): Promise<string> {
  const text = await readFile(new URL(name, GUIDES), 'utf8')
  const blocks = text.matchAll(/^```(\w*)\n(.*?)^```$/gms)
  return [...blocks].find(([, language]) => language === '')?.[2]?.trim() ?? 'no output'
}

async function follow(name: string, given: { url: string; token: string; files: Record<string, string> }) {
  const guide = await readGuide(name)
  const tool = await createTool()
  const own = (text: string) =>
    text.replaceAll(ADDRESS, given.url).replaceAll('updates.example.com', new URL(given.url).host)
  await tool.write({
    'capacitor.config.ts': own(guide.config),
    'android/build.gradle': '',
    'ios/App/Info.plist': '',
    'www/index.html': '<!doctype html>1',
    'www/main.js': 'start()',
    ...given.files,
  })
  let shown: Check[] = []
  for (const line of guide.lines) {
    const isLogin = line.startsWith('hotpatch login')
    const words = own(line).split(' ').slice(1)
    // Every new version of the guide's is another build.
    await tool.write({ 'www/main.js': `start('${/--version (\S+)/.exec(line)?.[1] ?? '1.1.0'}')` })
    const all = isLogin ? [...words, '--token-stdin'] : words
    const { exitCode, stderr } = await tool.run(all, isLogin ? { input: given.token } : { isTTY: true, input: 'y\n' })
    if (line === 'hotpatch doctor') {
      shown = (JSON.parse((await tool.run('doctor --json')).stdout) as { checks: Check[] }).checks
      continue
    }
    expect([line, exitCode, stderr]).toEqual([line, 0, expect.anything()])
  }
  return { tool, states: Object.fromEntries(shown.map(({ id, status }) => [id, status])), guide }
}

const server = useServer()

test('moving from Capgo, word for word', async () => {
  const { guide, states, tool } = await follow('moving-from-capgo.md', {
    url: server.url(),
    token: server.ownerToken(),
    files: {
      'package.json': JSON.stringify({ dependencies: { '@capgo/capacitor-updater': '8' } }),
      '.capgo_key_v2': pem,
    },
  })
  expect(guide.lines.length).toBeGreaterThan(8)
  expect(states).toMatchObject({
    'update-plugin': 'ok',
    'capgo-update-url': 'ok',
    'capgo-stats-url': 'ok',
    'capgo-channel-url': 'ok',
    'check-access': 'ok',
    'bundle-id': 'ok',
  })
  // What was published on the way reached devices with the key; since the last step they are to run what they shipped with.
  expect(await tool.json('variants list 1.1.0 --platform ios')).toMatchObject({ items: [{ fileCount: 2 }] })
  const told = { platform: 'ios', device_id: 'd1', app_id: 'com.example.app', plugin_version: '8.51.14' }
  const asked = { ...told, version_build: '1.0.0', version_name: '1.1.0' }
  const headers = { 'content-type': 'application/json' }
  const url = `${server.url()}/apps/my-app/capgo/updates`
  const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(asked) })
  expect(await answer.json()).toMatchObject({ version: 'builtin' })
})

describe('the other', () => {
  const other = useServer()

  test('moving from Capawesome, word for word', async () => {
    const { guide, states, tool } = await follow('moving-from-capawesome.md', {
      url: other.url(),
      token: other.ownerToken(),
      files: {
        'package.json': JSON.stringify({ dependencies: { '@capawesome/capacitor-live-update': '8' } }),
        'private.pem': pem,
      },
    })
    expect(guide.lines.length).toBeGreaterThan(8)
    // The plugin asks by https, and this server has none.
    expect(states).toMatchObject({ 'live-update-server': 'warn', 'live-update-app': 'ok', 'check-access': 'ok' })
    const signatures = await tool.json('signatures list 1.1.1 --platform android')
    expect(signatures).toMatchObject({ items: [{ scheme: 'rsa-sha256' }] })
  })
})

describe('and another', () => {
  const another = useServer()

  test('moving from EAS Update, word for word', async () => {
    const { lines } = await readGuide('moving-from-eas-update.md')
    const deviceId = '6f1e1f0c-0d6c-4b0c-8d22-0a5b9c8f0001'
    const tool = await createTool()
    await tool.installProgram('npx', EXPO_PROGRAM)
    const updates = { url: 'https://u.expo.dev/0c2f7c0e-5a6f-4f3e-9a51-1f2b3c4d5e6f' }
    const expo = { name: 'Shop', slug: 'shop', version: '1.4.0', runtimeVersion: { policy: 'appVersion' }, updates }
    await tool.write({
      'package.json': '{"dependencies":{"expo":"57"}}',
      'app.json': JSON.stringify({ expo }, null, 2),
      'index.js': 'start()',
      ...newExpoCertificate(),
      'app.apk': anApk({
        more: [
          { name: 'assets/app.manifest', content: JSON.stringify({ id: deviceId, commitTime: 1, assets: [] }) },
          { name: 'assets/index.android.bundle', content: 'start()' },
        ],
      }),
    })
    const ask = (more: Record<string, string> = {}) =>
      fetch(`${another.url()}/expo/my-app/manifest`, {
        headers: {
          accept: 'multipart/mixed,application/expo+json,application/json',
          'expo-platform': 'android',
          'expo-protocol-version': '1',
          'expo-runtime-version': '1.4.0',
          'expo-channel-name': 'production',
          'eas-client-id': deviceId,
          ...more,
        },
      })
    let updateId = ''
    for (const line of lines) {
      const isLogin = line.startsWith('hotpatch login')
      const own = line
        .replaceAll(ADDRESS, another.url())
        .replace('<update id>', updateId)
        .replace('<device id>', deviceId)
      const words = [...own.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '').slice(1)
      // A version is made of the second: no two of them fall into one.
      const now = () => new Date(Date.now() + 1_000 * lines.indexOf(line))
      const answered = isLogin ? { input: another.ownerToken() } : { isTTY: true, input: 'y\n', now }
      await tool.write({ 'index.js': `start('${line}')` })
      const { exitCode, stderr } = await tool.run(isLogin ? [...words, '--token-stdin'] : words, answered)
      expect([line, exitCode, stderr]).toEqual([line, 0, expect.anything()])
      if (line.endsWith('--to embedded')) expect((await ask()).status).toBe(204)
      if (!line.startsWith('hotpatch publish')) continue
      const { items } = await tool.json<Page<Release>>('updates list --platform android')
      updateId = items[0]?.id ?? ''
      const isSigned = line.includes('signed')
      expect(items[0]).toMatchObject({ notes: isSigned ? 'A signed basket' : 'A new basket' })
      if (isSigned) {
        const signed = await ask({ 'expo-expect-signature': 'sig, keyid="main", alg="rsa-v1_5-sha256"' })
        expect(await signed.text()).toContain('expo-signature: sig=')
        continue
      }
      await tool.json(`rollouts set ${items[0]?.version} --platform android --percentage 100 --yes`)
      expect(await (await ask()).text()).toContain('"runtimeVersion":"1.4.0","launchAsset"')
    }
    expect(lines.length).toBeGreaterThan(10)
    const written = JSON.parse(await readFile(`${tool.cwd}/app.json`, 'utf8')) as object
    expect(written).toMatchObject({
      expo: { updates: { url: `${another.url()}/expo/my-app/manifest`, codeSigningMetadata: { keyid: 'main' } } },
    })
  })
})

describe('one that was CodePush', () => {
  const codePush = useServer()

  test('moving from CodePush, word for word', async () => {
    const { lines } = await readGuide('moving-from-codepush.md')
    const tool = await createTool({ HOTPATCH_SOURCE_TOKEN: SOURCE_KEY })
    const key = 'the-key-that-binaries-have-already'
    const releases = [{ label: 'v7', bundle: 'seven', appVersion: '1.4.0', isMandatory: true }]
    const source = await startCodePushSource({ 'MyApp-Android': { Production: { key, releases } }, 'MyApp-iOS': {} })
    onTestFinished(() => void source.close())
    await tool.write({
      'package.json': JSON.stringify({ dependencies: { 'react-native': '0.81', 'react-native-code-push': '9' } }),
      'android/build.gradle': '',
      'ios/App/Info.plist': '',
      'index.js': 'start()',
      'bundle.zip': await zipOf({ 'index.android.bundle': 'one' }),
      'bundle-2.zip': await zipOf({ 'index.android.bundle': 'two' }),
      'bundle-3.zip': await zipOf({ 'index.android.bundle': 'three' }),
      'private.pem': pem,
    })
    for (const line of lines) {
      const isLogin = line.startsWith('hotpatch login')
      const own = line.replaceAll(ADDRESS, codePush.url()).replaceAll('https://codepush.example.com', source.url)
      const words = own.split(' ').slice(1)
      const all = isLogin ? [...words, '--token-stdin'] : [...words]
      const input = isLogin ? { input: codePush.ownerToken() } : { isTTY: true, input: 'y\n' }
      const { exitCode, stderr } = await tool.run(all, input)
      expect([line, exitCode, stderr]).toEqual([line, 0, expect.anything()])
      if (line.endsWith('--dry-run')) expect(stderr).toContain(await shownIn('moving-from-codepush.md'))
      const isImport = line.startsWith('hotpatch import') && !line.endsWith('--dry-run')
      if (isImport) expect(await check(key)).toMatchObject({ is_available: true, label: 'v7', is_mandatory: true })
    }
    expect(lines.length).toBeGreaterThan(9)
    const taken = await check('Yh0WZq0e8cVbA2xkS1pQ5nDfT7uL9mR3')
    expect(taken).toMatchObject({ is_available: true, label: 'v11' })
  })

  async function check(deploymentKey: string) {
    const told = { deployment_key: deploymentKey, app_version: '1.4.0', client_unique_id: 'd1' }
    const url = `${codePush.url()}/v0.1/public/codepush/update_check?${new URLSearchParams(told)}`
    return ((await (await fetch(url)).json()) as { update_info: object }).update_info
  }
})

describe('one that was hot-updater', () => {
  const hotUpdater = useServer()

  test('moving from hot-updater, word for word, up to a roll-back', async () => {
    const { lines } = await readGuide('moving-from-hot-updater.md')
    const tool = await createTool()
    const imported = { number: 1, text: 'before', row: { shouldForceUpdate: true } }
    const { privateKey: rsaKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    await tool.write({
      ...(await hotUpdaterBucket([imported])),
      'package.json': JSON.stringify({ dependencies: { '@hot-updater/react-native': '0.36' } }),
      'android/build.gradle': '',
      'out/bundle/bundle.zip': (await hotUpdaterBundle({ number: 2, text: 'after' })).zip,
      'public-key.pem': publicKey.export({ type: 'spki', format: 'pem' }).toString(),
      'private-key.pem': rsaKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    })
    const check = async (runs: string) => {
      const min = '019b76da-a800-7000-8000-000000000000'
      const path = `app-version/android/1.2.0/production/${min}/${runs || min}/7`
      return (await fetch(`${hotUpdater.url()}/hot-updater/my-app/${path}`)).json()
    }
    const followed = lines.filter((line) => !line.startsWith('hotpatch rollback'))
    for (const line of followed) {
      const isLogin = line.startsWith('hotpatch login')
      const own = line.replaceAll(ADDRESS, hotUpdater.url())
      const words = [...own.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '').slice(1)
      const answered = isLogin ? { input: hotUpdater.ownerToken() } : { isTTY: true, input: 'y\n' }
      const all = [...words, ...(isLogin ? ['--token-stdin'] : [])]
      const { exitCode, stderr } = await tool.run(all, answered)
      expect([line, exitCode, stderr]).toEqual([line, 0, expect.anything()])
      if (line.endsWith('--dry-run')) expect(stderr).toContain(await shownIn('moving-from-hot-updater.md'))
      const isImport = line.startsWith('hotpatch import') && !line.endsWith('--dry-run')
      if (isImport) expect(await check('')).toMatchObject({ id: bundleIdOf(1), shouldForceUpdate: true })
    }
    expect(followed.length).toBeGreaterThan(7)
    expect(await check(bundleIdOf(1))).toMatchObject({ id: bundleIdOf(2), fileHash: expect.stringContaining('sig:') })
  })
})

describe('and one more', () => {
  const more = useServer()

  test('moving from xprem, word for word', async () => {
    const { lines } = await readGuide('moving-from-xprem.md')
    const tool = await createTool()
    await tool.installProgram('npx', EXPO_PROGRAM)
    const updates = {
      url: 'https://ota.example.com/manifest',
      requestHeaders: { 'expo-channel-name': 'production', 'expo-app-id': '0c2f7c0e' },
    }
    const expo = { name: 'Shop', slug: 'shop', version: '1.4.0', runtimeVersion: '1', updates }
    await tool.write({
      'package.json': '{"dependencies":{"expo":"57"}}',
      'app.json': JSON.stringify({ expo }, null, 2),
      'index.js': 'start()',
      ...newExpoCertificate(),
      ...xpremBucket([{ at: 0, bundle: 'shop' }], { root: 'ota-bucket/0c2f7c0e' }),
    })
    const ask = async (headers: Record<string, string> = {}) => {
      const told = { 'expo-platform': 'android', 'expo-protocol-version': '1', 'expo-runtime-version': '1' }
      const accept = 'multipart/mixed,application/expo+json,application/json'
      const answer = await fetch(`${more.url()}/expo/my-app/manifest`, {
        headers: { accept, ...updates.requestHeaders, ...told, ...headers },
      })
      return answer.status === 204 ? 'nothing' : answer.text()
    }
    for (const line of lines) {
      const isLogin = line.startsWith('hotpatch login')
      const own = line.replaceAll(ADDRESS, more.url())
      const words = [...own.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '').slice(1)
      const answered = isLogin ? { input: more.ownerToken() } : { isTTY: true, input: 'y\n' }
      const { exitCode, stderr } = await tool.run(isLogin ? [...words, '--token-stdin'] : words, answered)
      expect([line, exitCode, stderr]).toEqual([line, 0, expect.anything()])
      if (line.endsWith('--dry-run')) expect(stderr).toContain(await shownIn('moving-from-xprem.md'))
      if (line.startsWith('hotpatch import') && !line.endsWith('--dry-run')) {
        expect(await ask()).toContain('"runtimeVersion":"1","launchAsset"')
        const signed = { 'expo-expect-signature': 'sig, keyid="main", alg="rsa-v1_5-sha256"' }
        expect(await ask(signed)).toBe('nothing')
      }
    }
    expect(lines.length).toBeGreaterThan(9)
    const { items } = await tool.json<Page<Release>>('updates list --platform android')
    expect(items.map(({ notes }) => notes)).toEqual(['A new basket', 'The shop\nCommit c0ffee'])
    await tool.json(`rollouts set ${items[0]?.version} --platform android --percentage 100 --yes`)
    expect(await ask({ 'expo-expect-signature': 'sig, keyid="main", alg="rsa-v1_5-sha256"' })).toContain(
      'expo-signature: sig=',
    )
    const written = JSON.parse(await readFile(`${tool.cwd}/app.json`, 'utf8')) as object
    expect(written).toMatchObject({
      expo: {
        updates: {
          url: `${more.url()}/expo/my-app/manifest`,
          requestHeaders: updates.requestHeaders,
          codeSigningMetadata: { keyid: 'main' },
        },
      },
    })
  })
})
