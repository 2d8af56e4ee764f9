import { generateKeyPairSync } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { createTool, type Tool } from '../../testing/run-tool.ts'
import { listBundleFiles } from '../folder/bundle-files.ts'
import { findSecrets } from '../folder/find-secrets.ts'
import { inspectBundle } from './inspect-bundle.ts'
import { keepSourceMaps } from '../../symbolicate/keep-source-maps.ts'
import { withoutSourceMaps } from '../folder/source-maps.ts'
import { chooseStartFile } from './start-file.ts'

let tool: Tool
beforeEach(async () => {
  tool = await createTool()
})

const entry = { 'index.android.bundle': 'var a = 1' }
async function inspect(
  files: Record<string, string | Buffer>,
  platform: 'android' | 'ios' | 'web' = 'android',
  entry?: string,
) {
  await tool.write(files)
  const found = await listBundleFiles(tool.cwd)
  const wish = { platform, entry, projectDirectory: tool.cwd, withSourceMaps: false }
  const start = await chooseStartFile(wish, new Set(found.map(({ name }) => name)))
  return inspectBundle(platform, start, found)
}
const checksOf = async (...parts: Parameters<typeof inspect>) =>
  (await inspect(...parts)).findings.map(({ check, severity }) => `${severity} ${check}`)

describe('what a bundle must have', () => {
  test('is code where its platform looks for it', async () => {
    expect(await inspect(entry)).toEqual({
      findings: [],
      entry: { name: 'index.android.bundle', kind: { kind: 'plain', isDevelopment: false } },
    })
    expect(await inspect({ 'index.html': '<p>' }, 'web')).toEqual({
      findings: [],
      entry: { name: 'index.html', kind: { kind: 'web' } },
    })
  })

  test('may be Hermes bytecode, whatever it is called', async () => {
    const bytecode = Buffer.alloc(100)
    bytecode.writeBigUInt64LE(0x1f1903c103bc1fc6n)
    bytecode.writeUInt32LE(96, 8)
    const { entry: found } = await inspect({ 'main.jsbundle': bytecode }, 'ios')
    expect(found).toEqual({ name: 'main.jsbundle', kind: { kind: 'hermes', bytecodeVersion: 96 } })
  })

  test.each<[string, Record<string, string>, 'android' | 'ios' | 'web', RegExp]>([
    ['nothing that runs', { 'readme.txt': 'x' }, 'android', /index.android.bundle in the folder.*no such file/],
    [
      'the folder of Android for iOS',
      entry,
      'ios',
      /main.jsbundle.*index.android.bundle: this is a bundle for android/,
    ],
    ['the folder of iOS for Android', { 'main.jsbundle': 'x' }, 'android', /bundle for ios/],
    ['the folder above', { 'out/index.android.bundle': 'x' }, 'android', /further down, as out\/index.android.bundle/],
    ['an empty file', { 'index.android.bundle': '' }, 'android', /an empty file/],
  ])('is not %s', async (_case, files, platform, text) => {
    const { findings } = await inspect(files, platform)
    expect(findings).toMatchObject([{ check: 'entry-file', severity: 'error' }])
    expect(findings.map(({ expected, found }) => `${expected} ${found}`).join()).toMatch(text)
  })

  test('is a page, of a web app, also in a shell for phones', async () => {
    const web = { 'index.html': '<p>', 'assets/app.js': 'x' }
    const entry = { name: 'index.html', kind: { kind: 'web' } }
    expect(await inspect(web, 'ios')).toEqual({ findings: [], entry })
    expect(await inspect({ 'app.html': '<p>' }, 'android', 'app.html')).toMatchObject({ entry: { name: 'app.html' } })
  })

  test('is not the web build of a React Native app, unless somebody says so', async () => {
    const web = { 'index.html': '<p>', 'package.json': '{"dependencies":{"react-native":"0.86.0"}}' }
    expect(await checksOf(web, 'ios')).toEqual(['error entry-file'])
    expect(await checksOf(web, 'ios', 'index.html')).toEqual([])
    expect(await checksOf(web, 'web')).toEqual([])
  })

  test.each<[string, Record<string, string>, string | undefined, RegExp]>([
    ['without its page', { 'main.js': 'x' }, undefined, /index.html in the folder.*no such file/],
    [
      'in the folder above',
      { 'www/index.html': 'x' },
      undefined,
      /further down, as www\/index.html.*--bundle-dir …\/www/,
    ],
    [
      'with its page in another case',
      { 'Index.html': 'x' },
      undefined,
      /Index.html, which is another name.*Name it index/,
    ],
    ['with an empty page', { 'index.html': '' }, undefined, /an empty file/],
    ['without the page that was named', { 'index.html': 'x' }, 'app.html', /app.html in the folder.*no such file/],
  ])('is not a web bundle %s', async (_case, files, entry, text) => {
    const { findings } = await inspect(files, 'web', entry)
    expect(findings).toMatchObject([{ check: 'entry', severity: 'error' }])
    expect(findings.map(({ expected, found, advice }) => `${expected} ${found} ${advice}`).join()).toMatch(text)
  })

  test('is made for production, and has images where its platform has them', async () => {
    expect(await checksOf({ 'index.android.bundle': 'var __BUNDLE_START_TIME__=1,__DEV__=true,process={}' })).toEqual([
      'error development-bundle',
    ])
    const ios = { 'main.jsbundle': 'x', 'drawable-mdpi/logo.png': 'x' }
    expect(await checksOf(ios, 'ios')).toContain('error assets')
  })

  test('is not the folder of the project; images of packages may be in it', async () => {
    expect(await checksOf({ ...entry, 'node_modules/left-pad/index.js': 'x' })).toEqual(['error node-modules'])
    const tool2 = { ...entry, 'assets/node_modules/nav/back.png': 'x' }
    tool = await createTool()
    expect(await checksOf(tool2)).toEqual([])
  })
})

/** Scanners of this repository are to find none. */
const made = (...parts: string[]) => `const key = "${parts.join('')}"`

describe('what must not become public', () => {
  const pem = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
  const pkcs1 = rsa.export({ type: 'pkcs1', format: 'pem' }).toString()

  test.each([
    ['.env', 'x'],
    ['.env.production', 'x'],
    ['deep/.env', 'x'],
    ['.git/config', 'x'],
    ['id_rsa', 'x'],
    ['release.keystore', 'x'],
    ['upload.JKS', 'x'],
    ['cert.p12', 'x'],
    ['app.mobileprovision', 'x'],
    ['.npmrc', 'x'],
    ['google-service-account.json', '{}'],
    ['android/key.properties', 'x'],
    ['.aws/credentials', 'x'],
    ['.rn-ota/config.toml', 'x'],
    ['notes.txt', `a key\n${pem}`],
    ['a.js', JSON.stringify({ key: pkcs1 })],
    ['a.json', '{"type": "service_account", "project_id": "p", "private_key": "…"}'],
    ['a.js', made('AKIA', 'QWERTYUIOPASDFGH')],
    ['a.js', made('ghp', '_', 'a1B2'.repeat(9))],
    ['a.js', made('npm', '_', 'a1B2'.repeat(9))],
    ['a.js', made('sk', '_live_', 'a1B2'.repeat(6))],
    ['a.js', made('xoxb', '-123456789012-', 'a1B2'.repeat(6))],
    ['a.js', made('hpt', '_', 'a1B2'.repeat(11))],
    ['a.js', 'connect("postgres://app:hunter22@db.internal:5432/app")'],
    ['a.bundle', Buffer.concat([Buffer.alloc(3_000_000), Buffer.from(pem), Buffer.alloc(10)])],
    ['a.bundle', Buffer.concat([Buffer.alloc(1024 ** 2 - 60, 32), Buffer.from(pem)])],
  ])('is found: %s', async (name, content) => {
    const { findings } = await inspect({ ...entry, [name]: content })
    expect(findings).toMatchObject([{ check: 'secret', severity: 'error', found: expect.stringContaining(name) }])
    expect(JSON.stringify(findings)).not.toContain('hunter22')
  })

  test('is not what only looks like it', async () => {
    const harmless = {
      '.env.example': 'KEY=',
      'a.js': [
        'if (text.includes("-----BEGIN PRIVATE KEY-----")) throw new Error("-----END PRIVATE KEY-----")',
        'const pem = "-----BEGIN RSA PRIVATE KEY-----\\n" + body + "\\n-----END RSA PRIVATE KEY-----"',
        '"AKIAIOSFODNN7EXAMPLE" "postgres://user:password@localhost/db" "https://a:b@c" `postgres://${user}:${pass}@h.x`',
      ].join('\n'),
      'cert.pem': '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----',
      'environment.js': 'x',
      'assets/git/icon.png': 'x',
      'keyboard.json': '{}',
    }
    expect(await checksOf({ ...entry, ...harmless })).toEqual([])
  })

  test('is looked for within bounds, and what was not read is told', async () => {
    await tool.write({ 'a.js': `${' '.repeat(5000)}${pem}`, 'b.js': pem })
    const files = await listBundleFiles(tool.cwd)
    const { secrets, unread } = await findSecrets(files, { fileBytes: 4096, totalBytes: 8192 })
    expect([secrets.map(({ file }) => file), unread]).toEqual([['b.js'], ['a.js']])
  })
})

describe('source maps', () => {
  test('stay at home, kept by the digest of their bundle', async () => {
    await tool.write({
      ...entry,
      'index.android.bundle.map': '{}',
      'maps/main.jsbundle.map': '{}',
      'level.map': 'a game',
    })
    const { files, sourceMaps } = withoutSourceMaps(await listBundleFiles(tool.cwd))
    expect(files.map(({ name }) => name)).toEqual(['index.android.bundle', 'level.map'])
    const release = { app: 'shop', platform: 'android', version: '1.0.0', sha256: 'ab'.repeat(32), root: '/shop' }
    const directory = await keepSourceMaps(sourceMaps, join(tool.home, 'build'), release)
    expect(directory).toBe(join(tool.home, 'build', 'hotpatch-source-maps', release.sha256))
    expect(await readFile(join(directory ?? '', 'maps', 'main.jsbundle.map'), 'utf8')).toBe('{}')
    expect(JSON.parse(await readFile(join(directory ?? '', 'release.json'), 'utf8'))).toEqual(release)
    expect(await keepSourceMaps([], tool.home, release)).toBeUndefined()
  })
})
