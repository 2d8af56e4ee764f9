import { describe, expect, test } from 'vitest'
import { statedArchive } from './content/archive.ts'
import { kitContentOf, readKitContent, requirementOfKit, statedKit, writeKitContent } from './content/kit.ts'
import { UnexpectedJsonError } from './json-reader.ts'
import { readKitManifest, writeKitManifest } from './kit/index.ts'
import { readReleaseStatement, writeReleaseStatement } from './release-statement.ts'
import { readStatement, writeStatement, type Statement } from './statement.ts'

const APP_ID = '0197f0c2-7f0a-7c3e-9a55-2b1d6f1e8a01'
const CREATED_AT = '2027-01-31T12:00:00.000Z'

const DOCUMENT = {
  schema_version: 1,
  app_id: APP_ID,
  release_id: '2026.06.02-alpha.3',
  channel: 'stable',
  sequence: 7,
  floor: 3,
  created_at: CREATED_AT,
  severity: 'security',
  min_installer_version: '1.4',
  components: {
    web: {
      version: '2.0.0',
      kind: 'files',
      order: 10,
      files: [
        {
          platform: 'any',
          architecture: 'any',
          format: 'zip',
          artifact_digest: `sha256:${'a'.repeat(64)}`,
          size_bytes: 9,
          mirror_hint: 'near',
        },
      ],
      probe: { type: 'http', path: '/', retry_hint: 'slow' },
      team: 'front',
    },
    constructor: {
      version: '1.0.0',
      kind: 'binary',
      order: 20,
      files: ['x86_64', 'arm64'].map((architecture) => ({
        platform: 'linux',
        architecture,
        format: 'raw',
        artifact_digest: `sha256:${'b'.repeat(64)}`,
        size_bytes: 5,
      })),
    },
  },
  of_a_later_version: { kept: true },
}

const manifest = readKitManifest(JSON.stringify(DOCUMENT))
const kit = readStatement(JSON.stringify(DOCUMENT))
const archive: Statement = {
  appId: APP_ID,
  platform: 'android',
  target: 'release',
  version: '1.0.0',
  sequence: 1,
  floor: 0,
  requirement: {},
  ...statedArchive({ sha256: 'a'.repeat(64), sizeBytes: 9 }),
  createdAt: CREATED_AT,
}

function pointerOf(read: () => unknown): string | undefined {
  try {
    read()
    return undefined
  } catch (error) {
    if (error instanceof UnexpectedJsonError) return error.pointer
    throw error
  }
}

describe('the manifest of a kit as a statement (Content §6)', () => {
  test('says what every statement says', () => {
    expect(kit).toMatchObject({
      appId: APP_ID,
      platform: 'any',
      target: 'release',
      version: '2026.06.02-alpha.3',
      sequence: 7,
      floor: 3,
      requirement: { minNativeVersion: '1.4' },
      createdAt: CREATED_AT,
      artifacts: [
        { name: 'web/any-any', sha256: 'a'.repeat(64), sizeBytes: 9 },
        { name: 'constructor/linux-x86_64', sha256: 'b'.repeat(64), sizeBytes: 5 },
        { name: 'constructor/linux-arm64', sha256: 'b'.repeat(64), sizeBytes: 5 },
      ],
    })
    expect(kit.content).toEqual(kitContentOf(manifest))
  })

  test('is the manifest when it is written', () => {
    expect(writeStatement(kit)).toBe(writeKitManifest(manifest))
    expect(readStatement(writeStatement(kit))).toMatchObject({ sequence: 7, artifacts: kit.artifacts })
  })

  test('stated again it is the same content, with what is not known of it at every level', () => {
    const again = readStatement(writeStatement({ ...kit, sequence: 12, floor: 12, createdAt: '2027-02-01T00:00:00Z' }))
    expect(again).toMatchObject({ sequence: 12, floor: 12, createdAt: '2027-02-01T00:00:00Z' })
    const content = (statement: Statement) =>
      statement.content?.kind === 'kit' ? writeKitContent(statement.content) : ''
    expect(content(again)).toBe(content(kit))
    const text = writeStatement(again)
    expect(text).toContain('"of_a_later_version":{"kept":true}')
    expect(text).toContain('"team":"front"')
    expect(text).toContain('"mirror_hint":"near"')
    expect(text).toContain('"retry_hint":"slow"')
  })

  test('is what is said, where the document that it was read from says something else', () => {
    const components = manifest.components.map((component) => ({
      ...component,
      version: '9.9.9',
      files: component.files.map((file) => ({ ...file, sha256: 'c'.repeat(64), sizeBytes: 3 })),
    }))
    const written = readKitManifest(writeKitManifest({ ...manifest, channel: 'beta', components }))
    expect(written).toMatchObject({ channel: 'beta', components })
  })

  test.each([
    ['another platform', { platform: 'linux' as const }],
    ['another target', { target: 'embedded' as const }],
    ['another version', { version: '1' }],
    ['another requirement', { requirement: {} }],
    ['other artifacts', { artifacts: kit.artifacts.slice(1) }],
  ])('is not written with %s beside it', (_, change) => {
    expect(() => writeStatement({ ...kit, ...change })).toThrow(RangeError)
  })

  test('all other statements are release statements', () => {
    const text = writeStatement(archive)
    expect(text).toBe(writeReleaseStatement(archive as never))
    expect(readStatement(text)).toEqual(archive)
  })

  test('no text is both', () => {
    const both = JSON.stringify({ ...JSON.parse(writeStatement(archive)), ...DOCUMENT })
    expect(pointerOf(() => readKitManifest(both))).toBe('/type')
    expect(pointerOf(() => readKitManifest(JSON.stringify({ ...DOCUMENT, type: 'kit' })))).toBe('/type')
    expect(pointerOf(() => readReleaseStatement(JSON.stringify(DOCUMENT)))).toBe('/type')
    expect(pointerOf(() => readStatement('{}'))).toBe('/type')
  })
})

describe('kit.json, the content by itself', () => {
  const content = kitContentOf(manifest)

  test('is read as it was written, and is the same text for the same release', () => {
    const text = writeKitContent(content)
    expect(writeKitContent(readKitContent(text))).toBe(text)
    const { document: _, ...known } = content
    const { document: __, ...read } = readKitContent(text)
    expect(read).toEqual(known)
  })

  test.each(['app_id', 'sequence', 'floor', 'created_at'])('states no release: %s is refused', (name) => {
    const text = JSON.stringify({ ...JSON.parse(writeKitContent(content)), [name]: 1 })
    expect(pointerOf(() => readKitContent(text))).toBe(`/${name}`)
  })

  test('requires nothing where no installer is named', () => {
    expect(requirementOfKit({})).toEqual({})
    expect(statedKit({ components: [] }).artifacts).toEqual([])
  })
})
