import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inflateSync } from 'node:zlib'
import { Problem } from '@hotpatch/protocol'
import { writeZip } from '@hotpatch/testkit/archives'
import {
  androidManifest,
  anApk,
  anApplePng,
  anIpa,
  aPng,
  aProfile,
  binaryXml,
  chunk,
  infoPlist,
  listOf,
  makeSigner,
  packBinaryPlist,
  prefixed,
  resourceTable,
  signApk,
  signedMessage,
  signingBlock,
  stringPool,
  u16,
  u32,
  writeBinaryPlist,
  xmlPlist,
  type ApkFacts,
} from '@hotpatch/testkit/binaries'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { READING_LIMITS } from './application.ts'
import { digestOf } from './certificates.ts'
import { readBinary } from './read-binary.ts'

const EXAMPLES = join(import.meta.dirname, '../../../examples/binaries')
const example = (name: string) => readFileSync(join(EXAMPLES, name))

let folder: string
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'hotpatch-binary-'))))
afterAll(() => rm(folder, { recursive: true }))

async function read(bytes: Buffer, name: string, limits = READING_LIMITS) {
  const path = join(folder, 'upload')
  await writeFile(path, bytes)
  return readBinary(path, name, limits)
}

/** What it is refused with; fails when it is not, or with anything but a refusal. */
async function refusalOf(bytes: Buffer, name: string, limits = READING_LIMITS): Promise<string> {
  const error = await read(bytes, name, limits).then(
    () => undefined,
    (error: unknown) => error,
  )
  if (!(error instanceof Problem)) throw error ?? new Error('It was not refused.')
  expect(error.type).toBe('invalid-binary')
  expect(error.message).toContain('xpected')
  expect(error.message.length).toBeLessThan(900)
  return error.message
}

describe('what Android tools made', () => {
  test('an APK says what aapt and apksigner say of it', async () => {
    const { format, application, icon } = await read(example('hello-1.1.0.apk'), 'hello.apk')
    const told = example('badging.txt').toString()
    const [, id, code, version] = /name='([\w.]+)' versionCode='(\d+)' versionName='([\d.]+)'/.exec(told) ?? []
    expect({ format, application }).toEqual({
      format: 'apk',
      application: {
        id,
        version,
        versionCode: Number(code),
        name: /application-label:'(.+)'/.exec(told)?.[1],
        minOsVersion: /sdkVersion:'(\d+)'/.exec(told)?.[1],
        architectures: [/native-code: '(.+)'/.exec(told)?.[1]],
        permissions: [...told.matchAll(/uses-permission: name='(.+)'/g)].map(([, permission]) => permission),
        certificates: [/certificate SHA-256 digest: (\w+)/.exec(told)?.[1]],
        isDebuggable: false,
      },
    })
    // The picture, and not its XML: of the sharper screens.
    expect(icon?.subarray(1, 4)).toEqual(Buffer.from('PNG'))
    expect(Buffer.from(icon ?? []).readUInt32BE(16)).toBe(144)
  })

  test('an App Bundle has the same, but for what its table of resources says', async () => {
    const { application } = await read(example('hello-1.1.0.aab'), 'hello.aab')
    expect(application).toEqual({
      id: 'com.example.hello',
      version: '1.1.0',
      versionCode: 1,
      minOsVersion: '24',
      architectures: ['arm64-v8a'],
      permissions: ['android.permission.INTERNET', 'android.permission.REQUEST_INSTALL_PACKAGES'],
      certificates: [/certificate SHA-256 digest: (\w+)/.exec(example('badging.txt').toString())?.[1]],
      isDebuggable: false,
    })
  })

  test('updates of one app have the same signer', async () => {
    const [first, second] = await Promise.all(
      ['hello-1.1.0.apk', 'hello-1.2.0.apk'].map((name) => readBinary(join(EXAMPLES, name), name)),
    )
    expect(second?.application).toMatchObject({ version: '1.2.0', versionCode: 2 })
    expect(second?.application?.certificates).toEqual(first?.application?.certificates)
  })
})

const has = (command: string) => {
  try {
    execFileSync(command, ['version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

// Of Debian's packages aapt and apksigner; what they say stands in badging.txt for machines without them.
test.skipIf(!has('aapt') || !has('apksigner'))('the tools read what the test kit writes', async () => {
  const signer = makeSigner()
  const path = join(folder, 'written.apk')
  await writeFile(path, anApk({ id: 'com.example.written', version: '2.0', versionCode: 7, name: 'Written', signer }))
  const badging = execFileSync('aapt', ['dump', 'badging', path], { encoding: 'utf8' })
  expect(badging).toContain("package: name='com.example.written' versionCode='7' versionName='2.0'")
  expect(badging).toContain("application-label:'Written'")
  expect(badging).toContain("application-icon-480:'res/icon.png'")
  const verified = execFileSync('apksigner', ['verify', '-v', '--print-certs', path], { encoding: 'utf8' })
  expect(verified).toContain('v2 scheme (APK Signature Scheme v2): true')
  expect(verified).toContain(digestOf(signer.certificate))
})

describe('an APK', () => {
  test('what it says', async () => {
    const signer = makeSigner()
    const icon = aPng(96)
    const found = await read(
      anApk({ id: 'a.b', version: '1.2.3-beta.1', versionCode: 9, name: 'Größe', architectures: [], icon, signer }),
      'A.APK',
    )
    expect(found).toEqual({
      format: 'apk',
      icon,
      application: {
        id: 'a.b',
        version: '1.2.3-beta.1',
        versionCode: 9,
        name: 'Größe',
        minOsVersion: '24',
        architectures: [],
        permissions: ['android.permission.INTERNET'],
        certificates: [digestOf(signer.certificate)],
        isDebuggable: false,
      },
    })
  })

  test('a version code of 64 bits', async () => {
    const manifest = manifestWith([
      { name: 'versionCode', id: 0x0101_021b, value: 5 },
      { name: 'versionCodeMajor', id: 0x0101_0576, value: 2 },
    ])
    const { application } = await read(anApk({ manifest }), 'a.apk')
    expect(application?.versionCode).toBe(2 * 2 ** 32 + 5)
  })

  test.each(['plain', 'sparse', 'short', 'compact'] as const)('a table of resources with %s entries', async (form) => {
    const resources = resourceTable('a.b', [
      {
        id: 1,
        form,
        resources: [
          { entry: 0, value: { reference: 0x7f01_0007 } },
          { entry: 3, value: 'another' },
          { entry: 7, value: 'Example' },
          { entry: 9, value: 'one more' },
        ],
      },
      { id: 2, form, density: 480, resources: [{ entry: 0, value: 'res/icon.png' }] },
    ])
    const { application, icon } = await read(anApk({ resources }), 'a.apk')
    expect([application?.name, icon]).toEqual(['Example', aPng()])
  })

  test('a signer that replaced another one names both', async () => {
    const [old, current] = [makeSigner('Old'), makeSigner('New')]
    const step = (certificate: Buffer) =>
      prefixed(prefixed(prefixed(certificate), u32(0x201)), u32(0, 0x201), prefixed())
    const lineage = Buffer.concat([u32(0x3ba0_6f8c), u32(1), step(old.certificate), step(current.certificate)])
    const signedData = Buffer.concat([
      prefixed(),
      prefixed(prefixed(current.certificate)),
      u32(28, 0x7fff_ffff),
      prefixed(prefixed(lineage)),
    ])
    const value = prefixed(prefixed(prefixed(signedData), u32(28, 0x7fff_ffff), prefixed(), prefixed()))
    const { application } = await read(withBlock(new Map([[0xf053_68c0, value]])), 'a.apk')
    expect(application?.certificates).toEqual([digestOf(current.certificate), digestOf(old.certificate)])
  })

  test.each<[what: string, facts: ApkFacts, message: RegExp]>([
    ['nobody signed it', { signer: null }, /no signature.*apksigner/],
    ['no package', { manifest: manifestWith([], { id: null }) }, /Expected a package/],
    ['a package that is none', { manifest: androidManifest({ id: 'a/../b' }) }, /Expected a package/],
    ['a split', { manifest: manifestWith([{ name: 'split', value: 'config.de' }]) }, /"config.de".*universal APK/],
    ['another root', { manifest: binaryXml({ name: 'resources' }) }, /<manifest>, found none/],
    [
      'text instead of the binary form',
      { manifest: Buffer.from('<manifest package="a.b"/>') },
      /no binary resource|chunk/,
    ],
    ['a table that is none', { resources: Buffer.from('none of that') }, /chunk/],
    ['a manifest twice', { more: [{ name: 'AndroidManifest.xml' }] }, /name twice/],
  ])('%s', async (_what, facts, message) => {
    expect(await refusalOf(anApk(facts), 'a.apk')).toMatch(message)
  })
})

describe('hostile Android files', () => {
  const pool = (header: Buffer, ...body: Buffer[]) => chunk(0x0003, Buffer.alloc(0), chunk(0x0001, header, ...body))

  test('a pool of strings that says it has four thousand million', async () => {
    const named = Buffer.concat([u32(0xffff_ffff, 7), u16(20, 20, 0, 0, 0, 0)])
    const manifest = chunk(
      0x0003,
      Buffer.alloc(0),
      chunk(0x0001, u32(0xffff_ffff, 0, 0, 28, 0), u32(0)),
      chunk(0x0102, u32(1, 0xffff_ffff), named),
    )
    expect(await refusalOf(anApk({ manifest }), 'a.apk')).toMatch(/count or an offset/)
  })

  test('a string that says it is longer than the file', async () => {
    const strings = pool(u32(1, 0, 0, 32, 0), u32(0), u16(0xffff, 0xffff))
    const element = chunk(0x0102, u32(1, 0), u32(0xffff_ffff, 0), u16(20, 20, 0, 0, 0, 0))
    const manifest = chunk(0x0003, Buffer.alloc(0), strings.subarray(8), element)
    expect(await refusalOf(anApk({ manifest }), 'a.apk')).toMatch(/string within its pool/)
  })

  test('chunks of no length, and chunks that are longer than what they are in', async () => {
    for (const sizeBytes of [0, 7, 0x7fff_ffff, 0xffff_ffff]) {
      const manifest = Buffer.concat([u16(0x0003, 8), u32(sizeBytes), Buffer.alloc(64)])
      expect(await refusalOf(anApk({ manifest }), 'a.apk')).toMatch(/Expected a chunk/)
    }
  })

  test('references that go round in a circle, and ones that multiply', async () => {
    const circle = resourceTable('a.b', [
      {
        id: 1,
        resources: [
          { entry: 0, value: { reference: 0x7f01_0001 } },
          { entry: 1, value: { reference: 0x7f01_0000 } },
        ],
      },
    ])
    const { application } = await read(anApk({ resources: circle }), 'a.apk')
    expect(application).not.toHaveProperty('name')
    const many = resourceTable(
      'a.b',
      Array.from({ length: 200 }, (_, density) => ({
        id: 1,
        density,
        resources: [{ entry: 0, value: { reference: 0x7f01_0000 } }],
      })),
    )
    expect((await read(anApk({ resources: many }), 'a.apk')).application).not.toHaveProperty('name')
  })

  // Each was some kilobytes that took gigabytes of memory and a minute.
  test('a long text that every element is named by, and one that every value of a table is', async () => {
    const long = 'a'.repeat(30_000)
    const element = (name: number) =>
      chunk(0x0102, u32(1, 0xffff_ffff), u32(0xffff_ffff, name), u16(20, 20, 0, 0, 0, 0))
    const elements = Array.from({ length: 20_000 }, (_, index) => element(index === 0 ? 0 : 1))
    const manifest = chunk(0x0003, Buffer.alloc(0), stringPool(['manifest', long]), ...elements)
    expect(await refusalOf(anApk({ manifest }), 'a.apk')).toMatch(/16777216 bytes of text/)
    const types = Array.from({ length: 100 }, () => [
      { id: 1, resources: [{ entry: 0, value: { reference: 0x7f02_0000 } }] },
      { id: 2, resources: [{ entry: 0, value: long }] },
    ])
    const resources = resourceTable('a.b', types.flat())
    expect(await refusalOf(anApk({ resources }), 'a.apk')).toMatch(/16777216 bytes of text/)
  })

  test('an object identifier of a million numbers, however it is hidden', async () => {
    const many = Buffer.alloc(1_000_000, 1)
    const length = Buffer.from([0x83, many.length >> 16, (many.length >> 8) & 0xff, many.length & 0xff])
    const name = Buffer.concat([Buffer.from([6]), length, many])
    const hidden = [
      name,
      Buffer.concat([Buffer.from([0x1f]), name]),
      Buffer.concat([Buffer.from([0x26]), name.subarray(1)]),
      Buffer.concat([Buffer.from([0x30, 0x80]), name, Buffer.alloc(2)]),
      Buffer.concat([Buffer.from([0x30, 0x80, 0x22, 0x02, 0x04, 0x84]), name, Buffer.alloc(2)]),
    ]
    for (const content of hidden) {
      const zip = writeZip([
        { name: 'AndroidManifest.xml', content: androidManifest() },
        { name: 'META-INF/A.RSA', content },
      ])
      expect(await refusalOf(zip, 'a.apk')).toMatch(/an object identifier of|a part of the type/)
    }
  })

  test('an App Bundle of more attributes or elements than any has, and with a version that is a book', async () => {
    const part = (field: number, body: Buffer) => {
      const length = body.length
      const varint = [length & 0x7f, (length >> 7) & 0x7f, (length >> 14) & 0x7f].map(
        (each, index) => each | (index < 2 ? 0x80 : 0),
      )
      return Buffer.concat([Buffer.from([(field << 3) | 2, ...varint]), body])
    }
    const attribute = (name: string, value: string, ...id: number[]) =>
      part(4, Buffer.concat([part(2, Buffer.from(name)), part(3, Buffer.from(value)), Buffer.from(id)]))
    const bundle = (...more: Buffer[]) => {
      const named = [part(3, Buffer.from('manifest')), attribute('package', 'com.example.app'), ...more]
      return writeZip([{ name: 'base/manifest/AndroidManifest.xml', content: part(1, Buffer.concat(named)) }])
    }
    expect(await refusalOf(bundle(Buffer.alloc(200_000, Buffer.from([0x22, 0]))), 'a.aab')).toMatch(/1000 attributes/)
    expect(await refusalOf(bundle(Buffer.alloc(200_000, Buffer.from([0x2a, 0]))), 'a.aab')).toMatch(/10000 elements/)
    const versionName = [5 << 3, 0x9c, 0x84, 0x84, 0x08]
    const { application } = await read(bundle(attribute('versionName', 'v'.repeat(100_000), ...versionName)), 'a.aab')
    expect(application?.version).toBe('v'.repeat(255))
  })

  test('a table of more types than any app has', async () => {
    const type = chunk(0x0201, Buffer.concat([Buffer.from([1, 0, 0, 0]), u32(0, 0), Buffer.alloc(28)]))
    const types = Buffer.concat(Array.from({ length: 60_000 }, () => type))
    const header = Buffer.concat([u32(0x7f), Buffer.alloc(256), u32(0, 0, 0, 0, 0)])
    const resources = chunk(0x0002, u32(1), stringPool([]), chunk(0x0200, header, types))
    expect(await refusalOf(anApk({ resources }), 'a.apk')).toMatch(/types of resources/)
  })

  test('a table of more chunks than anything has', async () => {
    const empty = Buffer.alloc(600_000 * 8, Buffer.concat([u16(0x0999, 8), u32(8)]))
    expect(await refusalOf(anApk({ resources: chunk(0x0002, u32(1), empty) }), 'a.apk')).toMatch(/chunks, found more/)
  })

  test('a table larger than what is read: no name and no icon', async () => {
    const limits = { ...READING_LIMITS, maxResourceBytes: 100 }
    const { application, icon } = await read(anApk(), 'a.apk', limits)
    expect(application).toMatchObject({ id: 'com.example.app' })
    expect([application?.name, icon]).toEqual([undefined, undefined])
  })

  test('a manifest that unpacks to far more than it says', async () => {
    const bomb = Buffer.alloc(8 * 1024 * 1024)
    expect(await refusalOf(anApk({ manifest: bomb }), 'a.apk')).toMatch(/at most 4194304 bytes/)
    const zip = writeZip([{ name: 'AndroidManifest.xml', content: bomb, unpackedBytes: 100 }])
    expect(await refusalOf(signApk(zip, makeSigner()), 'a.apk')).toMatch(/CRC-32/)
  })

  test('an icon of more pixels than a browser should hold, and one of too many bytes', async () => {
    const huge = aPng(4)
    huge.writeUInt32BE(60_000, 16)
    for (const icon of [
      huge,
      Buffer.concat([aPng(4), Buffer.alloc(READING_LIMITS.maxIconBytes)]),
      Buffer.from('<svg/>'),
    ]) {
      expect((await read(anApk({ icon }), 'a.apk')).icon).toBeUndefined()
    }
  })

  test('a signing block that lies about its size, its pairs and its signers', async () => {
    const lengths = [0xffff_ffff, 0x7fff_ffff, 5]
    for (const length of lengths) {
      expect(await refusalOf(withBlock(new Map([[0x7109_871a, u32(length)]])), 'a.apk')).toMatch(/Expected|count or/)
    }
    const apk = anApk()
    const at = apk.indexOf('APK Sig Block 42') - 8
    for (const size of [0n, 23n, 1n << 40n, 0xffff_ffff_ffff_ffffn]) {
      const changed = Buffer.from(apk)
      changed.writeBigUInt64LE(size, at)
      expect(await refusalOf(changed, 'a.apk')).toMatch(/APK Signing Block/)
    }
  })

  test('ZIP64 and an encrypted manifest', async () => {
    expect(await refusalOf(writeZip([{ name: 'a' }], { zip64: true }), 'a.apk')).toMatch(/ZIP64/)
    const encrypted = writeZip([{ name: 'AndroidManifest.xml', content: 'x', flags: 1 }])
    expect(await refusalOf(encrypted, 'a.apk')).toMatch(/encrypted/)
  })

  test('an App Bundle whose manifest is damaged', async () => {
    for (const content of [Buffer.from([0x0a, 0xff, 0xff, 0xff, 0x0f]), Buffer.alloc(5_000, 0x0b), Buffer.from('no')]) {
      const zip = writeZip([{ name: 'base/manifest/AndroidManifest.xml', content }])
      expect(await refusalOf(zip, 'a.aab')).toMatch(/App Bundle|<manifest>/)
    }
  })
})

describe('an IPA', () => {
  test('what it says', async () => {
    const { format, application, icon } = await read(anIpa({ version: '2.1', build: '77', name: 'A & B' }), 'a.ipa')
    expect(format).toBe('ipa')
    expect(application).toEqual({
      id: 'com.example.app',
      version: '2.1',
      build: '77',
      name: 'A & B',
      minOsVersion: '15.0',
      architectures: ['arm64'],
      permissions: ['NSCameraUsageDescription'],
      certificates: [expect.stringMatching(/^[0-9a-f]{64}$/)],
      teamId: 'TEAM123456',
      isDebuggable: false,
      provisioning: { type: 'ad-hoc', expiresAt: '2030-01-01T00:00:00.000Z', devices: 2 },
    })
    expect(icon).toBeDefined()
  })

  test('an icon that Xcode changed is one again that browsers show', async () => {
    const plain = anIpa({
      more: [{ name: 'Payload/Example.app/AppIcon60x60@3x.png', content: aPng(300, [1, 2, 3, 128]) }],
    })
    expect((await read(plain, 'a.ipa')).icon?.length).toBe(aPng(300, [1, 2, 3, 128]).length)
    const { icon } = await read(anIpa(), 'a.ipa')
    // The same picture: what is deflated is the same rows without their filter.
    expect(pixelsOf(Buffer.from(icon ?? []))).toEqual(pixelsOf(aPng(120, [200, 60, 30, 255])))
  })

  test('the binary form of its property list, and of one in a dictionary with a name of JavaScript', async () => {
    const info = writeBinaryPlist({
      CFBundleIdentifier: 'com.example.app',
      CFBundleVersion: '3',
      CFBundleName: 'Größe',
      __proto__x: true,
      constructor: { toString: 1 },
      many: Array.from({ length: 40 }, (_, index) => index),
      data: Buffer.from('bytes'),
      date: new Date(0),
    })
    const { application } = await read(anIpa({ info }), 'a.ipa')
    expect(application).toMatchObject({ id: 'com.example.app', version: '3', name: 'Größe' })
  })

  test.each(['ad-hoc', 'enterprise', 'development', 'store'] as const)('the profile of the type %s', async (type) => {
    const { application } = await read(anIpa({ profile: { type } }), 'a.ipa')
    expect(application?.provisioning?.type).toBe(type)
    expect(application?.isDebuggable).toBe(type === 'development')
  })

  test('one without a profile', async () => {
    const { application } = await read(anIpa({ profile: null }), 'a.ipa')
    expect(application).not.toHaveProperty('provisioning')
  })

  test.each<[what: string, info: Buffer, message: RegExp]>([
    ['no bundle id', xmlPlist('<dict/>'), /CFBundleIdentifier/],
    ['no dictionary', xmlPlist('<array/>'), /dictionary/],
    ['a value without key', xmlPlist('<dict><string>a</string></dict>'), /a key in front/],
    ['another tag', xmlPlist('<dict><key>a</key><object/></dict>'), /<object>/],
    ['no XML', Buffer.from('{"CFBundleIdentifier":"a.b"}'), /expected XML/],
    ['cut XML', infoPlist().subarray(0, 300), /expected XML/],
    ['nothing', Buffer.alloc(0), /Info.plist/],
    [
      'entities that stand for gigabytes',
      Buffer.from(
        `<?xml version="1.0"?><!DOCTYPE plist [<!ENTITY a "aaaaaaaaaa">${Array.from(
          { length: 10 },
          (_, index) => `<!ENTITY a${index} "&a${index - 1};&a${index - 1};">`,
        ).join('')}]><plist><dict><key>a</key><string>&a9;</string></dict></plist>`,
      ),
      /expected XML/,
    ],
    ['lists in lists', xmlPlist('<array>'.repeat(100_000)), /levels|deep/],
    ['a hundred thousand values', xmlPlist(`<array>${'<true/>'.repeat(60_000)}</array>`), /50000 values/],
  ])('is refused for its property list: %s', async (_what, info, message) => {
    expect(await refusalOf(anIpa({ info }), 'a.ipa')).toMatch(message)
  })

  test('a binary list that refers to itself, and one that doubles with every level', async () => {
    expect(await refusalOf(anIpa({ info: packBinaryPlist([listOf([0])]) }), 'a.ipa')).toMatch(/deep/)
    const levels = Array.from({ length: 31 }, (_, index) => listOf([index + 1, index + 1]))
    const doubling = packBinaryPlist([...levels, Buffer.from([9])])
    expect(await refusalOf(anIpa({ info: doubling }), 'a.ipa')).toMatch(/values, found more|deep/)
  })

  test('a list that refers to one long text again and again: that was thirty seconds, and ten gigabytes', async () => {
    const text = Buffer.concat([Buffer.from([0x5f, 0x12]), u32(0), Buffer.alloc(1_000_000, 0x61)])
    text.writeUInt32BE(1_000_000, 2)
    const info = packBinaryPlist([listOf(Array.from({ length: 5_000 }, () => 1)), text])
    expect(await refusalOf(anIpa({ info }), 'a.ipa')).toMatch(/8388608 bytes of text/)
  })

  test('what it asks people for, but for names that nobody reads', async () => {
    const keys = ['NSCameraUsageDescription', `NS${'a'.repeat(1_000_000)}UsageDescription`]
    const asked = keys.map((key) => `<key>${key}</key><string>why</string>`).join('')
    const info = xmlPlist(
      `<dict><key>CFBundleIdentifier</key><string>a.b</string><key>CFBundleVersion</key><string>1</string>${asked}</dict>`,
    )
    expect((await read(anIpa({ info }), 'a.ipa')).application?.permissions).toEqual(['NSCameraUsageDescription'])
  })

  test('a binary list that says it has more values, or longer ones, than the file', async () => {
    for (const object of ['5f13ffffffffffffffff', 'af1300ffffffffffff00', '6f12ffffffff', 'df12ffffffff', 'ff']) {
      const info = packBinaryPlist([Buffer.from(object, 'hex')])
      expect(await refusalOf(anIpa({ info }), 'a.ipa')).toMatch(/Expected|expected/)
    }
  })

  test('two apps in it, or none', async () => {
    expect(await refusalOf(writeZip([{ name: 'a' }]), 'a.ipa')).toMatch(/found 0/)
    const second = { name: 'Payload/Other.app/Info.plist', content: infoPlist() }
    expect(await refusalOf(anIpa({ more: [second] }), 'a.ipa')).toMatch(/found 2/)
  })

  test('a profile that is none, is damaged, or is nested without end', async () => {
    const inIpa = (content: Buffer) =>
      anIpa({ profile: null, more: [{ name: 'Payload/Example.app/embedded.mobileprovision', content }] })
    const nested = Buffer.alloc(200_000)
    for (let at = 0; at < nested.length; at += 2) nested.writeUInt16BE(0x3080, at)
    for (const profile of [
      Buffer.from('no'),
      aProfile().subarray(0, 400),
      nested,
      signedMessage(Buffer.from('x'), makeSigner()),
    ]) {
      expect(await refusalOf(inIpa(profile), 'a.ipa')).toMatch(/embedded.mobileprovision/)
    }
  })

  test('an icon whose picture is damaged', async () => {
    const damaged = anApplePng(64)
    damaged.fill(0xff, damaged.indexOf('IDAT') + 4, damaged.indexOf('IDAT') + 12)
    const more = [
      { name: 'Payload/Example.app/AppIcon60x60@3x.png', content: Buffer.concat([damaged, Buffer.alloc(3000)]) },
    ]
    expect(await refusalOf(anIpa({ more }), 'a.ipa')).toMatch(/icon/)
  })
})

describe('files for desktops', () => {
  const exe = Buffer.concat([Buffer.from('MZ'), Buffer.alloc(58), u32(64), Buffer.from('PE\0\0'), Buffer.alloc(100)])
  const image = Buffer.concat([Buffer.alloc(1000), Buffer.from('koly'), Buffer.alloc(508)])
  const files: [name: string, bytes: Buffer][] = [
    ['Setup 1.0.0.exe', exe],
    ['a.dmg', image],
    ['a.pkg', Buffer.from('xar!xxxx')],
    ['a.msi', Buffer.from('d0cf11e0a1b11ae1', 'hex')],
    ['a.AppImage', Buffer.from('7f454c46020101004149020000', 'hex')],
    ['a_1.0.0_amd64.deb', Buffer.from('!<arch>\ndebian-binary   ')],
    ['a.rpm', Buffer.from('edabeedb0300', 'hex')],
    ['a.app.tar.gz', Buffer.from('1f8b0800', 'hex')],
    ['a.zip', writeZip([{ name: 'a' }])],
  ]

  test.each(files)('%s is what its name says', async (name, bytes) => {
    expect(await read(bytes, name)).toEqual({ format: expect.any(String) })
    for (const [other, otherBytes] of files) {
      if (other !== name) expect(await refusalOf(otherBytes, name)).toMatch(/as the name says/)
    }
    expect(await refusalOf(Buffer.alloc(0), name)).toMatch(/an empty file/)
    expect(await refusalOf(bytes.subarray(0, 1), name)).toMatch(/as the name says/)
  })

  test.each(['a', 'a.apks', 'a.html', '.apk.txt'])('a name of no format: %s', async (name) => {
    expect(await refusalOf(exe, name)).toMatch(/Expected a name that ends in one of \.apk/)
  })

  const manifest = `<?xml version="1.0"?><Package xmlns="x" xmlns:uap="y"><Identity Name="Example.App" Version="1.2.3.0"
    ProcessorArchitecture="x64" Publisher="CN=Test"/><Dependencies><TargetDeviceFamily MinVersion="10.0.17763.0"/></Dependencies>
    <Capabilities><Capability Name="internetClient"/><uap:Capability Name="documentsLibrary"/></Capabilities></Package>`

  test('an MSIX package', async () => {
    const signer = makeSigner()
    const signature = Buffer.concat([Buffer.from('PKCX'), signedMessage(Buffer.from('x'), signer)])
    const zip = writeZip([
      { name: 'AppxManifest.xml', content: manifest },
      { name: 'AppxSignature.p7x', content: signature },
    ])
    expect(await read(zip, 'a.msix')).toEqual({
      format: 'msix',
      application: {
        id: 'Example.App',
        version: '1.2.3.0',
        minOsVersion: '10.0.17763.0',
        architectures: ['x64'],
        permissions: ['internetClient', 'documentsLibrary'],
        certificates: [digestOf(signer.certificate)],
      },
    })
    expect(await refusalOf(writeZip([{ name: 'a' }]), 'a.msix')).toMatch(/AppxManifest.xml/)
    const nameless = writeZip([{ name: 'AppxManifest.xml', content: '<Package/>' }])
    expect(await refusalOf(nameless, 'a.msix')).toMatch(/Identity/)
  })
})

describe('damage', () => {
  const whole: [name: string, bytes: Buffer][] = [
    ['written.apk', anApk()],
    ['hello.apk', example('hello-1.1.0.apk')],
    ['hello.aab', example('hello-1.1.0.aab')],
    ['written.ipa', anIpa()],
  ]

  test.each(whole)('%s, cut anywhere', async (name, bytes) => {
    for (let length = 0; length < bytes.length; length += 1 + Math.floor(bytes.length / 100)) {
      await refusalOf(bytes.subarray(0, length), name)
    }
  })

  test.each(whole)('%s, changed anywhere: it is refused, or read', async (name, bytes) => {
    const change = fc.record({ at: fc.nat(bytes.length - 1), value: fc.nat(255) })
    const changes = fc.array(change, { minLength: 1, maxLength: 8 })
    const property = fc.asyncProperty(changes, async (made) => {
      const changed = Buffer.from(bytes)
      for (const { at, value } of made) changed.writeUInt8(value, at)
      const outcome = await read(changed, name).catch((error: unknown) => error)
      if (outcome instanceof Error && !(outcome instanceof Problem)) throw outcome
    })
    await fc.assert(property, { seed: 20_26, numRuns: 100 })
  })

  const inside: [name: string, content: Buffer, wrap: (content: Buffer) => Buffer, as: string][] = [
    ['a manifest', androidManifest(), (manifest) => anApk({ manifest }), 'a.apk'],
    ['a table of resources', resourceTable('a.b', tableTypes()), (resources) => anApk({ resources }), 'a.apk'],
    [
      'a binary property list',
      writeBinaryPlist({ CFBundleIdentifier: 'a.b', CFBundleVersion: '1', list: [1, 'two', [3]] }),
      (info) => anIpa({ info }),
      'a.ipa',
    ],
    ['a profile', aProfile(), withProfile, 'a.ipa'],
  ]

  // The zip is written anew around it, so that its checksums do not hide what the readers would do.
  test.each(inside)('%s, changed anywhere: it is refused, or read', async (_name, content, wrap, as) => {
    const change = fc.record({
      at: fc.nat(content.length - 1),
      value: fc.oneof(fc.nat(255), fc.constantFrom(0, 0xff, 0x7f)),
    })
    const property = fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 6 }), async (made) => {
      const changed = Buffer.from(content)
      for (const { at, value } of made) changed.writeUInt8(value, at)
      const outcome = await read(wrap(changed), as).catch((error: unknown) => error)
      if (outcome instanceof Error && !(outcome instanceof Problem)) throw outcome
    })
    await fc.assert(property, { seed: 20_26, numRuns: 150 })
  })
})

function tableTypes() {
  return [
    { id: 1, resources: [{ entry: 0, value: 'Example' }] },
    { id: 2, density: 480, resources: [{ entry: 0, value: 'res/icon.png' }] },
  ]
}

function withProfile(content: Buffer): Buffer {
  return anIpa({ profile: null, more: [{ name: 'Payload/Example.app/embedded.mobileprovision', content }] })
}

function manifestWith(
  attributes: { name: string; id?: number; value: string | number }[],
  { id = 'com.example.app' }: { id?: string | null } = {},
) {
  const all = id === null ? attributes : [...attributes, { name: 'package', value: id }]
  return binaryXml({ name: 'manifest', attributes: all })
}

/** An APK whose signing block holds that. */
function withBlock(pairs: ReadonlyMap<number, Buffer>): Buffer {
  const zip = anApk({ signer: null })
  const offset = zip.readUInt32LE(zip.length - 6)
  const block = signingBlock(pairs)
  const end = Buffer.from(zip.subarray(zip.length - 22))
  end.writeUInt32LE(offset + block.length, 16)
  return Buffer.concat([zip.subarray(0, offset), block, zip.subarray(offset, zip.length - 22), end])
}

/** Of a PNG of four bytes for each pixel whose rows have no filter, or that of the row above. */
function pixelsOf(png: Buffer): Buffer {
  const [width, height] = [png.readUInt32BE(16), png.readUInt32BE(20)]
  const start = png.indexOf('IDAT')
  const rows = inflateSync(png.subarray(start + 4, start + 4 + png.readUInt32BE(start - 4)))
  const pixels = Buffer.alloc(width * height * 4)
  for (let y = 0; y < height; y += 1) {
    const at = y * (width * 4 + 1)
    for (let x = 0; x < width * 4; x += 1) {
      const above = rows[at] === 2 && y > 0 ? (pixels[(y - 1) * width * 4 + x] ?? 0) : 0
      pixels[y * width * 4 + x] = ((rows[at + 1 + x] ?? 0) + above) & 0xff
    }
  }
  return pixels
}
