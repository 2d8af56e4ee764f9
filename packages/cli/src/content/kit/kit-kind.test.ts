import { createHash } from 'node:crypto'
import { mkdir, readFile, symlink, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { readKitManifest, writeStatement } from '@hotpatch/protocol'
import { beforeEach, expect, test } from 'vitest'
import { completeContext } from '../../process/context.ts'
import { createCollector, createTool, type Tool } from '../../testing/run-tool.ts'
import { openContent, recogniseContent } from '../kinds.ts'
import { kitKind } from './kit-kind.ts'
import { readKitDescription } from './read-kit-description.ts'

const DESCRIPTION = {
  release_id: '2026.06.02',
  severity: 'security',
  expected_downtime_seconds: 30,
  components: {
    web: { kind: 'files', version: '2.0.0', from: 'dist' },
    gateway: {
      kind: 'binary',
      version: '1.4.0',
      optional: true,
      files: [
        { platform: 'linux', architecture: 'x86_64', from: 'gateway-intel' },
        { platform: 'linux', architecture: 'arm64', from: 'gateway-arm' },
      ],
    },
    database: {
      kind: 'migration',
      version: '12',
      migrates_to: '12',
      from: 'migration',
      order: 900,
      supports_rollback: false,
    },
  },
}
const FILES = {
  'dist/index.html': '<!doctype html>',
  'dist/assets/index.js': 'x',
  'gateway-intel': 'gateway for intel',
  'gateway-arm': 'gateway for arm',
  'migration/12.sql': 'select 1',
}
const WISH = { platform: 'any', entry: undefined, withSourceMaps: false } as const

let tool: Tool
beforeEach(async () => {
  tool = await createTool()
  await tool.write(FILES)
})

async function inputOf(description: object = DESCRIPTION) {
  await tool.write({ 'kit.release.json': JSON.stringify(description) })
  const path = join(tool.cwd, 'kit.release.json')
  return { kind: 'kit', path, description: await readKitDescription(path, {}) } as const
}

let folders = 0

async function open(description?: object) {
  folders += 1
  const directory = join(tool.home, `working-${folders}`)
  await mkdir(directory)
  const { env, cwd } = tool
  const context = completeContext({ env, cwd, stdout: createCollector(), stderr: createCollector() })
  const wish = { ...WISH, projectDirectory: cwd }
  return openContent(context, await inputOf(description), { wish, directory })
}

const pack = async (description?: object) => (await open(description)).pack()
const digestOf = ({ content }: Awaited<ReturnType<typeof pack>>) => (content.kind === 'kit' ? content.sha256 : '')

test('what describes a kit is one, and nothing else is', async () => {
  const wish = { ...WISH, projectDirectory: tool.cwd }
  const input = await inputOf()
  expect(await kitKind.recognise(input, wish)).toMatchObject({ isOfKind: true, as: 'kit' })
  expect(await recogniseContent(input, wish)).toBe(kitKind)
  expect(await kitKind.recognise({ kind: 'folder', path: tool.cwd }, wish)).toEqual({
    isOfKind: false,
    expected: expect.stringContaining('kit.release.json'),
    found: 'a folder',
    advice: 'A kit is published with: kit publish.',
  })
})

test('people read its components in the order in which they are applied, and what cannot be undone', async () => {
  const { description } = await pack()
  expect(description.lines).toEqual({
    Kit: '3 components, security, about 30 s of downtime',
    Components: `100. web 2.0.0, files, 276 bytes for all machines of ${join(tool.cwd, 'dist')}`,
    'Components 2': '300. gateway 1.4.0, binary, optional, 17 bytes for linux x86_64, 15 bytes for linux arm64',
    'Components 3': `900. database 12, migration, 136 bytes for all machines of ${join(tool.cwd, 'migration')}`,
    'Cannot be undone': 'database',
    'SHA-256': expect.stringMatching(/^[0-9a-f]{64} of kit\.json$/),
  })
  const components = { database: expect.anything(), gateway: expect.anything(), web: expect.anything() }
  expect(description.json).toMatchObject({
    content: { kind: 'kit', release_id: '2026.06.02', severity: 'security', components },
  })
})

test('each file is sent by itself, and all of it can be stated', async () => {
  const packed = await pack()
  for (const { path, sha256, sizeBytes } of packed.uploads) {
    const bytes = await readFile(path)
    expect([createHash('sha256').update(bytes).digest('hex'), bytes.length]).toEqual([sha256, sizeBytes])
  }
  // Two programs, two zips, and what lists them.
  expect(packed.uploads.map(({ kind }) => kind)).toEqual(['asset', 'asset', 'asset', 'asset', 'kit'])
  const { content, artifacts } = packed.stated
  if (content.kind !== 'kit') throw new Error('Expected a kit.')
  const text = writeStatement({
    appId: '01890000-0000-7000-8000-000000000001',
    platform: 'any',
    target: 'release',
    version: content.releaseId,
    sequence: 1,
    floor: 0,
    requirement: {},
    createdAt: '2027-01-01T00:00:00.000Z',
    content,
    artifacts,
  })
  expect(readKitManifest(text)).toMatchObject({ releaseId: '2026.06.02', components: content.components })
})

test('the same files are the same kit, whatever their times, and other files are another', async () => {
  const first = await pack()
  for (const name of Object.keys(FILES)) await utimes(join(tool.cwd, name), 86_400, 86_400)
  const again = await pack()
  expect(digestOf(again)).toBe(digestOf(first))
  await tool.write({ 'dist/assets/index.js': 'y' })
  const other = await pack()
  expect(digestOf(other)).not.toBe(digestOf(first))
  const published = { ...first.content, downloadUrl: '' } as never
  expect([kitKind.isSame(published, again), kitKind.isSame(published, other)]).toEqual([true, false])
})

test('what would be refused or regretted is found before anything is sent', async () => {
  expect((await open()).findings).toEqual([])
  await tool.write({ 'gateway-arm': '', 'dist/.env': 'KEY=secret' })
  const { findings } = await open()
  expect(findings.map(({ check, found }) => `${check}: ${found}`)).toEqual([
    expect.stringMatching(/^secret: .*, of web\/any-any$/),
    expect.stringMatching(/^file: .*gateway-arm is empty$/),
  ])
  await symlink('/etc/hosts', join(tool.cwd, 'dist/hosts'))
  await expect(open()).rejects.toThrow(/a link out of/)
})
