import { generateKeyPairSync, sign } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import type { AddedSignature, Page, PublishedRelease, Release, SigningKey } from '@hotpatch/api'
import { appImage, newMinisignKey, sha256Of, windowsProgram, zipOf } from '@hotpatch/testkit'
import { noise } from '@hotpatch/testkit/archives'
import { describe, expect, test } from 'vitest'
import { useServer } from '../testing/server-suite.ts'

const server = useServer()
const image = appImage(noise(50_000))
const installer = windowsProgram(noise(40_000))
const IMAGE = 'Demo_1.2.0_amd64.AppImage'
const tauri = newMinisignKey()

async function publisher() {
  const made = await server.createPublisher({ platforms: ['linux', 'windows', 'macos'] })
  const { json } = made
  const signaturesOf = async (version = '1.2.0', platform = 'linux') =>
    (await json<Page<AddedSignature>>(`signatures list ${version} --platform ${platform}`)).items
  const releases = async () => (await json<Page<Release>>('releases list')).items
  return { ...made, signaturesOf, releases }
}

describe('what Tauri has signed', () => {
  test('is found beside the files, held against the key, and told to the server with the release', async () => {
    const { write, json, run, signaturesOf } = await publisher()
    const value = tauri.signFile(image, { name: IMAGE, version: '1.2.0' })
    await write({ 'app.pub': tauri.pubkey, [IMAGE]: image, [`${IMAGE}.sig`]: value })
    const key = await json<SigningKey>('keys add --minisign app.pub --name tauri --yes')
    expect((await json<Page<SigningKey>>('keys list --minisign')).items).toMatchObject([
      { id: key.id, publicKey: tauri.line, name: 'tauri' },
    ])
    const line = `binary publish ${IMAGE} --version 1.2.0`
    expect((await run(`${line} --dry-run`)).stderr).toMatch(/Files signed +Demo_1\.2\.0_amd64\.AppImage by minisign/)
    expect(await json(`${line} --dry-run`)).toMatchObject({ fileSignatures: [{ name: IMAGE, keyId: key.id }] })
    await json<PublishedRelease>(`${line} --yes`)
    const expected = [{ scheme: 'minisign', keyId: key.id, subject: sha256Of(image), value }]
    expect(await signaturesOf()).toMatchObject(expected)
    // What was interrupted is done again, and one is taken back.
    await json(`signatures remove 1.2.0 --platform linux --scheme minisign --yes`)
    expect(await signaturesOf()).toEqual([])
    await json<PublishedRelease>(`${line} --yes`)
    expect(await signaturesOf()).toMatchObject(expected)
  })

  test('of the build in its folder, for each platform, also in the text that minisign writes', async () => {
    const { write, json, signaturesOf } = await publisher()
    const text = (value: string) => Buffer.from(value, 'base64').toString()
    const bundle = 'src-tauri/target/release/bundle'
    const config = { version: '1.2.0', plugins: { updater: { pubkey: tauri.pubkey } } }
    await write({
      'src-tauri/tauri.conf.json': JSON.stringify(config),
      [`${bundle}/appimage/${IMAGE}`]: image,
      [`${bundle}/appimage/${IMAGE}.sig`]: tauri.signFile(image),
      [`${bundle}/nsis/Demo_1.2.0_x64-setup.exe`]: installer,
      [`${bundle}/nsis/Demo_1.2.0_x64-setup.exe.sig`]: text(tauri.signFile(installer)),
    })
    await json('keys add --minisign src-tauri/tauri.conf.json --yes')
    await json('publish --yes')
    expect(await signaturesOf('1.2.0', 'linux')).toMatchObject([{ subject: sha256Of(image) }])
    expect(await signaturesOf('1.2.0', 'windows')).toMatchObject([{ subject: sha256Of(installer) }])
  })

  test('of an app of macOS, packed for the updater', async () => {
    const { write, json, signaturesOf } = await publisher()
    const packed = gzipSync(noise(900))
    await write({ 'Demo.app.tar.gz': packed, 'Demo.app.tar.gz.sig': tauri.signFile(packed), 'app.pub': tauri.line })
    await json('keys add --minisign app.pub --yes')
    await json('binary publish Demo.app.tar.gz --version 1.2.0 --architecture arm64 --yes')
    expect(await signaturesOf('1.2.0', 'macos')).toMatchObject([{ subject: sha256Of(packed) }])
  })

  test.each<[string, string, RegExp]>([
    [
      'for another version',
      tauri.signFile(image, { version: '1.1.0' }),
      /version 1\.2\.0, found one for version 1\.1\.0/,
    ],
    ['of other bytes', tauri.signFile(installer, { version: '1.2.0' }), /over these bytes, found one over others/],
    [
      'of a key that the app does not know',
      newMinisignKey().signFile(image),
      /does not know the minisign key .*keys add --minisign/,
    ],
  ])('%s is refused before anything is sent', async (_what, value, message) => {
    const { write, json, run, releases } = await publisher()
    await write({ 'app.pub': tauri.line, [IMAGE]: image, [`${IMAGE}.sig`]: value })
    await json('keys add --minisign app.pub --yes')
    const line = `binary publish ${IMAGE} --version 1.2.0 --yes`
    const { exitCode, stderr } = await run(line)
    expect([exitCode, stderr]).toEqual([1, expect.stringMatching(message)])
    expect(await releases()).toEqual([])
    // Nobody has to take it along.
    expect((await run(`${line} --no-sig-files`)).exitCode).toBe(0)
  })

  test('a .sig of somebody else is left out, and said', async () => {
    const { write, run, signaturesOf } = await publisher()
    await write({ [IMAGE]: image, [`${IMAGE}.sig`]: noise(70) })
    const { exitCode, stderr } = await run(`binary publish ${IMAGE} --version 1.2.0 --yes`)
    expect([exitCode, stderr]).toEqual([0, expect.stringMatching(/\.sig is no signature of minisign/)])
    expect(await signaturesOf()).toEqual([])
  })

  test('is added to what was published before', async () => {
    const { write, json, run, signaturesOf } = await publisher()
    await write({ 'app.pub': tauri.pubkey, [IMAGE]: image, 'other.exe.sig': tauri.signFile(installer) })
    await json(`binary publish ${IMAGE} --version 1.2.0 --yes`)
    const early = { [`${IMAGE}.sig`]: tauri.signFile(image, { version: '1.1.0' }) }
    await write(early)
    const add = 'signatures add 1.2.0 --platform linux --yes --minisign'
    expect((await run(`${add} ${IMAGE}.sig`)).stderr).toMatch(/does not know the minisign key/)
    await json('keys add --minisign app.pub --yes')
    expect((await run(`${add} ${IMAGE}.sig`)).stderr).toMatch(/found one for version 1\.1\.0/)
    expect((await run(`${add} other.exe.sig`)).stderr).toMatch(/a signature of other\.exe .*found none\. It has Demo/)
    expect((await run(`${add} ${IMAGE}`)).stderr).toMatch(/Expected what minisign or Tauri writes into a \.sig/)
    expect(await signaturesOf()).toEqual([])
    await write({ [`${IMAGE}.sig`]: tauri.signFile(image, { version: '1.2.0' }) })
    await json(`${add} ${IMAGE}.sig`)
    expect(await signaturesOf()).toMatchObject([{ scheme: 'minisign', subject: sha256Of(image) }])
  })

  test('a secret key is never sent, and what is no key is none', async () => {
    const { write, json, run } = await publisher()
    const secret = 'untrusted comment: rsign encrypted secret key\nRWRTY0Iy\n'
    await write({ 'app.key': Buffer.from(secret).toString('base64'), 'tauri.conf.json': '{}', 'not.json': '{' })
    for (const [file, message] of [
      ['app.key', /found the secret half, which stays with you/],
      ['tauri.conf.json', /plugins\.updater\.pubkey; found none/],
      ['not.json', /found none/],
      ['nowhere.pub', /There is no file/],
    ] as const) {
      const { exitCode, stderr } = await run(`keys add --minisign ${file} --yes`)
      expect([exitCode, stderr]).toEqual([1, expect.stringMatching(message)])
    }
    expect((await json<Page<SigningKey>>('keys list --minisign')).items).toEqual([])
  })
})

describe('what Sparkle has signed', async () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const key = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32).toString('base64')
  const archive = Buffer.from(await zipOf({ 'Demo.app/Contents/Info.plist': '<plist/>' }))
  const disk = Buffer.concat([noise(900), Buffer.from('koly'), Buffer.alloc(508)])
  const valueOf = (bytes: Uint8Array) => sign(null, bytes, privateKey).toString('base64')
  const printed = (bytes: Uint8Array) => `sparkle:edSignature="${valueOf(bytes)}" length="${bytes.length}"\n`
  const files = { 'Demo-mac.zip': archive, 'Demo.dmg': disk }
  const line = ['binary', 'publish', 'Demo-mac.zip', 'Demo.dmg', '--version', '1.2.0', '--yes']

  test('is given as sign_update prints it, and is of the file that it fits', async () => {
    const { write, json, run, signaturesOf } = await publisher()
    await write(files)
    const { id } = await json<SigningKey>('keys add', '--sparkle', key, '--yes')
    expect((await json<Page<SigningKey>>('keys list --sparkle')).items).toMatchObject([{ id, publicKey: key }])
    const { exitCode, stderr } = await run([...line, '--sparkle', printed(disk), valueOf(archive)])
    expect([exitCode, stderr]).toEqual([0, expect.stringMatching(/Demo\.dmg by sparkle-ed25519/)])
    const found = await signaturesOf('1.2.0', 'macos')
    const expected = [archive, disk].map((bytes) => [sha256Of(bytes), valueOf(bytes)])
    expect(found.map(({ subject, value }) => [subject, value])).toEqual(expect.arrayContaining(expected))
    expect(found).toHaveLength(2)
  })

  test('is added to what was published before, by its length', async () => {
    const { write, json, run, signaturesOf } = await publisher()
    await write(files)
    await json('keys add', '--sparkle', key, '--yes')
    await json(line[0] ?? '', ...line.slice(1))
    const add = ['signatures', 'add', '1.2.0', '--platform', 'macos', '--yes', '--sparkle']
    const length = `length="${archive.length}"`
    expect((await run([...add, printed(disk).replace(/length.*/, length)])).stderr).toMatch(/over these bytes/)
    expect((await run([...add, valueOf(disk)])).stderr).toMatch(/the only file .*found several\. It has Demo/)
    expect((await run([...add, printed(Buffer.alloc(3))])).stderr).toMatch(/a file of 3 bytes .*found none/)
    expect(await signaturesOf('1.2.0', 'macos')).toEqual([])
    expect((await run([...add, printed(disk)])).exitCode).toBe(0)
    expect(await signaturesOf('1.2.0', 'macos')).toMatchObject([{ subject: sha256Of(disk), value: valueOf(disk) }])
  })

  test.each<[string, string, number, RegExp]>([
    ['of a length that no file has', printed(Buffer.alloc(3)), 1, /a file of 3 bytes \(there is none\)/],
    [
      'of other bytes',
      printed(disk).replace(valueOf(disk), valueOf(archive)),
      1,
      /expected one over a file of \d+ bytes \(Demo\.dmg\)/,
    ],
    ['that is none', 'sparkle:edSignature="QUFB" length="3"', 2, /expected what sign_update prints of one file/],
    ['of two files', printed(disk) + printed(archive), 2, /of one file/],
  ])('one %s is refused before anything is sent', async (_what, text, code, message) => {
    const { write, json, run, releases } = await publisher()
    await write(files)
    await json('keys add', '--sparkle', key, '--yes')
    const { exitCode, stderr } = await run([...line, '--sparkle', text])
    expect([exitCode, stderr]).toEqual([code, expect.stringMatching(message)])
    expect(await releases()).toEqual([])
  })

  test('needs a key of Sparkle, and only one of these', async () => {
    const { write, run } = await publisher()
    await write(files)
    expect((await run([...line, '--sparkle', printed(disk)])).stderr).toMatch(
      /knows no key of Sparkle.*keys add --sparkle/s,
    )
    const wrong = await run(['keys', 'add', '--sparkle', 'RWTx', '--yes'])
    expect([wrong.exitCode, wrong.stderr]).toEqual([2, expect.stringMatching(/expected SUPublicEDKey/)])
    const two = await run(['keys', 'add', '--sparkle', key, '--minisign', 'a.pub', '--yes'])
    expect([two.exitCode, two.stderr]).toEqual([2, expect.stringMatching(/Give one key/)])
  })
})
