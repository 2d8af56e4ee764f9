import { createHash } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { PublishedArchive } from '@hotpatch/api'
import { beforeEach, expect, test } from 'vitest'
import { completeContext } from '../process/context.ts'
import { requireSound } from '../release/findings.ts'
import { createCollector } from '../testing/run-tool.ts'
import { useServer } from '../testing/server-suite.ts'
import { makeWebBundle } from './make-web-bundle.ts'

const server = useServer()
let tool: Awaited<ReturnType<typeof server.createPublisher>>
beforeEach(async () => {
  tool = await server.createPublisher({ platforms: ['web'] })
  await tool.write({ 'dist/index.html': '<p>', 'dist/assets/a.js': 'a', 'dist/assets/a.js.map': '{}' })
})

const make = (more: Partial<Parameters<typeof makeWebBundle>[1]> = {}) =>
  makeWebBundle(
    completeContext({ env: tool.env, cwd: tool.cwd, stdout: createCollector(), stderr: createCollector() }),
    { directory: join(tool.cwd, 'dist'), out: join(tool.cwd, 'app.zip'), ...more },
    (findings) => void requireSound(findings, []),
  )

test('makes the zip that release publishes, and says what is in it', async () => {
  const made = await make()
  const bytes = await readFile(made.path)
  expect(made).toEqual({
    path: join(tool.cwd, 'app.zip'),
    sha256: createHash('sha256').update(bytes).digest('hex'),
    sizeBytes: bytes.length,
    files: [
      { path: 'assets/a.js', sizeBytes: 1 },
      { path: 'index.html', sizeBytes: 3 },
    ],
    sourceMaps: ['assets/a.js.map'],
  })
  const line = 'release --platform web --yes --version'
  const ofFolder = await tool.json<PublishedArchive>(`${line} 1.0.0 --bundle-dir dist`)
  const ofZip = await tool.json<PublishedArchive>(`${line} 1.0.1 --bundle app.zip`)
  expect([ofFolder.content.sha256, ofZip.content.sha256]).toEqual([made.sha256, made.sha256])
})

test('replaces what it made before, and leaves nothing beside it', async () => {
  const first = await make()
  await tool.write({ 'dist/assets/a.js': 'b' })
  const second = await make()
  expect(second.sha256).not.toBe(first.sha256)
  expect((await readdir(tool.cwd)).sort()).toEqual(['app.zip', 'dist', 'hotpatch.json'])
})

test('leaves the zip of before alone when something is wrong', async () => {
  const { path, sha256 } = await make()
  await tool.write({ 'dist/.env': 'x' })
  await expect(make()).rejects.toThrow(/environment variables in .env/)
  await expect(make({ entry: 'app.html' })).rejects.toThrow(/expected app.html in the folder/)
  expect(
    createHash('sha256')
      .update(await readFile(path))
      .digest('hex'),
  ).toBe(sha256)
  expect((await readdir(tool.cwd)).sort()).toEqual(['app.zip', 'dist', 'hotpatch.json'])
})

test.each([
  ['in the folder itself', 'dist/app.zip', /would be part of itself/],
  ['further down in it', 'dist/assets/app.zip', /would be part of itself/],
  ['in a folder that is not there', 'nowhere/app.zip', /cannot be written to .*ENOENT/],
  ['where a folder is', 'dist', /cannot be written to .*(?:EISDIR|ENOTEMPTY|EEXIST|ENOTDIR)/],
])('writes nothing %s', async (_case, out, message) => {
  await expect(make({ out: join(tool.cwd, out) })).rejects.toThrow(message)
  expect((await readdir(tool.cwd, { recursive: true })).filter((name) => name.includes('zip'))).toEqual([])
  expect((await stat(join(tool.cwd, 'dist'))).isDirectory()).toBe(true)
})
