import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { archiveCases, writeZip } from '@hotpatch/testkit/archives'
import { beforeEach, describe, expect, test } from 'vitest'
import { CommandError } from '../../errors/errors.ts'
import { completeContext } from '../../process/context.ts'
import { createCollector, createTool, type Tool } from '../../testing/run-tool.ts'
import type { ContentInput } from '../content-kind.ts'
import { openContent, wholeOf } from '../kinds.ts'
import { describeContentKind, type ContentKindSamples } from '../testing/content-kind-suite.ts'
import { archiveKind } from './archive-kind.ts'

const page = '<!doctype html><script type="module" src="/assets/index.js"></script>'

const foreign: ContentKindSamples['foreign'] = [
  {
    comment: 'a file that is no zip',
    platform: 'web',
    input: async ({ write }) => ({ kind: 'file', path: join(await write({ 'app.tar': 'x'.repeat(600) }), 'app.tar') }),
  },
  {
    comment: 'an empty file',
    platform: 'web',
    input: async ({ write }) => ({ kind: 'file', path: join(await write({ 'app.zip': '' }), 'app.zip') }),
  },
  {
    comment: 'the project of something that no bundler is known for',
    platform: 'windows',
    input: async ({ cwd }): Promise<ContentInput> => ({
      kind: 'project',
      entryFile: 'index.js',
      buildDirectory: cwd,
      isForHermes: false,
    }),
  },
]

describeContentKind(archiveKind, {
  as: 'React Native bundle',
  platform: 'android',
  publish: (folder) => ['release', '--bundle-dir', folder],
  good: { 'index.android.bundle': 'var a = 1', 'assets/logo.png': 'png', 'drawable-mdpi/x.png': 'x', 'Z.txt': '' },
  foreign,
  unfit: [
    { comment: 'nothing that runs', files: { 'a.txt': 'a' }, check: 'entry-file' },
    { comment: 'the bundle of another platform', files: { 'main.jsbundle': 'a' }, check: 'entry-file' },
    { comment: 'a bundle without anything in it', files: { 'index.android.bundle': '' }, check: 'entry-file' },
    { comment: 'what must stay secret', files: { 'index.android.bundle': 'a', '.env': 'a' }, check: 'secret' },
  ],
})

describeContentKind(archiveKind, {
  as: 'web bundle',
  platform: 'web',
  publish: (folder) => ['release', '--bundle-dir', folder],
  entry: 'app.html',
  good: { 'app.html': page, 'assets/index.js': 'x', 'assets/ä.css': '' },
  foreign,
  unfit: [
    { comment: 'no page', files: { 'assets/index.js': 'x' }, check: 'entry' },
    { comment: 'a page further down', files: { 'www/app.html': page }, check: 'entry' },
    { comment: 'a page in another case', files: { 'App.html': page }, check: 'entry' },
    { comment: 'what must stay secret', files: { 'app.html': page, '.git/config': 'a' }, check: 'secret' },
  ],
})

describe('a zip that is ready', () => {
  let tool: Tool
  let path: string
  beforeEach(async () => {
    tool = await createTool()
    path = join(tool.cwd, 'app.zip')
  })

  async function open(zip: Buffer, signal?: AbortSignal) {
    await writeFile(path, zip)
    const given = { env: tool.env, cwd: tool.cwd, stdout: createCollector(), stderr: createCollector() }
    const context = completeContext({ ...given, ...(signal && { signal }) })
    const wish = { platform: 'linux', projectDirectory: tool.cwd, withSourceMaps: false } as const
    return openContent(context, { kind: 'file', path }, { wish, directory: tool.home })
  }

  /** Limits are the server's, and its operator's: what breaks nothing else is taken here. */
  const isLimited = ({ comment, limits }: (typeof archiveCases)[number]) =>
    // As long as this is allowed to be goes by the longest path.
    limits !== undefined || comment === 'a long path' || comment === 'a directory of extra fields'
  const judged = archiveCases.filter((each) => !isLimited(each))
  test.each(judged.filter(({ rule }) => rule !== null))(
    'is refused as the server refuses it: $comment ($rule)',
    async ({ zip }) => {
      const error = await open(zip).catch((error: unknown) => error)
      expect(error).toBeInstanceOf(CommandError)
      expect((error as CommandError).message).toMatch(/what no device unpacks|Expected a zip|an empty file/)
    },
  )

  test.each(judged.filter(({ rule }) => rule === null))('is taken: $comment', async ({ zip }) => {
    expect(wholeOf(await (await open(zip)).pack()).sizeBytes).toBe(zip.length)
  })

  test('is the one that was looked through, whatever becomes of it', async () => {
    const zip = writeZip([{ name: 'main.js', content: 'good' }])
    const opened = await open(zip)
    const before = wholeOf(await opened.pack())
    await writeFile(path, writeZip([{ name: 'main.js', content: 'evil' }]))
    expect(wholeOf(await opened.pack())).toMatchObject({ sha256: before.sha256, sizeBytes: zip.length })
    await rm(path)
    expect(wholeOf(await opened.pack()).sha256).toBe(before.sha256)
  })

  test('is not unpacked after Ctrl-C', async () => {
    const zip = writeZip([{ name: 'main.js', content: 'good' }])
    await expect(open(zip, AbortSignal.abort())).rejects.toMatchObject({ name: 'AbortError' })
  })
})
