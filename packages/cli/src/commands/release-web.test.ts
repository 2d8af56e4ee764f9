import { createHash } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { PublishedArchive, ReleaseFinding } from '@hotpatch/api'
import { zipOf } from '@hotpatch/testkit'
import { writeZip } from '@hotpatch/testkit/archives'
import { describe, expect, test } from 'vitest'
import { useServer } from '../testing/server-suite.ts'

const server = useServer()
const page = '<!doctype html><script type="module" src="/assets/index-1a2b.js"></script>'
const built = { 'index.html': page, 'assets/index-1a2b.js': 'x', 'assets/index-1a2b.js.map': '{}', 'favicon.ico': 'i' }
const createPublisher = () => server.createPublisher({ platforms: ['web', 'ios', 'android'] })

const inFolder = (folder: string, files: Record<string, string>) =>
  Object.fromEntries(Object.entries(files).map(([name, content]) => [`${folder}/${name}`, content]))

async function bytesOf({ content }: PublishedArchive): Promise<Buffer> {
  return Buffer.from(await (await fetch(content.downloadUrl)).arrayBuffer())
}

/** Those that stand against it. */
function findingsIn(stderr: string): ReleaseFinding[] {
  const { error } = JSON.parse(stderr.trim().split('\n').at(-1) ?? '') as { error: { findings: ReleaseFinding[] } }
  return error.findings.filter(({ severity }) => severity === 'error')
}

describe('a folder of a built web app', () => {
  test('is published for the web', async () => {
    const { write, run, json } = await createPublisher()
    await write(inFolder('dist', built))
    const line = 'release --platform web --version 1.2.0 --bundle-dir dist'
    const shown = await run(`${line} --dry-run --json`)
    expect(JSON.parse(shown.stdout)).toMatchObject({
      content: { fileCount: 3 },
      entry: { name: 'index.html', kind: 'web' },
    })
    expect(shown.stderr).toMatch(/Bundle +3 files of .*dist, zipped/)
    expect(shown.stderr).toMatch(/Entry +index.html, the page that a web view begins with/)
    const published = await json<PublishedArchive>(`${line} --yes`)
    expect(published).toMatchObject({ platform: 'web', content: { fileCount: 3 }, keyRegistered: true })
    expect(
      createHash('sha256')
        .update(await bytesOf(published))
        .digest('hex'),
    ).toBe(published.content.sha256)
  })

  test('is published for phones whose app is a web view, and the server holds its page to be there', async () => {
    const { write, json } = await createPublisher()
    await write(inFolder('www', built))
    const published = await json<PublishedArchive>('release --platform ios --version 1.2.0 --bundle-dir www --yes')
    expect(published).toMatchObject({ platform: 'ios', content: { fileCount: 3 } })
  })

  test('may start with another file', async () => {
    const { write, run, json } = await createPublisher()
    await write({ 'dist/app.html': page })
    const line = 'release --platform web --version 1.0.0 --bundle-dir dist --yes'
    const refused = await run(`${line} --json`)
    expect(refused.exitCode).toBe(1)
    expect(findingsIn(refused.stderr)).toMatchObject([{ check: 'entry', expected: 'index.html in the folder' }])
    expect(await json<PublishedArchive>(`${line} --entry app.html`)).toMatchObject({ content: { fileCount: 1 } })
    const nested = await run(`${line} --entry pages/app.html`)
    expect([nested.exitCode, nested.stderr]).toEqual([2, expect.stringContaining('without folders, such as app.html')])
  })

  test('is refused without its page, and nobody can force that', async () => {
    const { write, run } = await createPublisher()
    await write({ 'dist/main.js': 'x' })
    const line = 'release --platform web --version 1.0.0 --bundle-dir dist --yes'
    const refused = await run(line)
    expect([refused.exitCode, refused.stderr]).toEqual([
      1,
      expect.stringContaining('or say what it starts with: --entry'),
    ])
    expect((await run(`${line} --force entry`)).exitCode).toBe(2)
    expect((await run(`${line} --force entry-file`)).exitCode).toBe(1)
  })
})

describe('a zip that is ready', () => {
  test('is published as it is', async () => {
    const { write, env, run, json } = await createPublisher()
    const zip = await zipOf(built)
    await write({ 'app.zip': zip })
    const line = 'release --platform web --version 1.2.1 --bundle app.zip'
    const shown = await run(`${line} --dry-run`)
    expect(shown.stderr).toMatch(/Bundle +4 files of .*app.zip, as it is,/)
    expect(shown.stderr).toContain('! source-maps: expected a zip without source maps, found 1 source map')
    const published = await json<PublishedArchive>(`${line} --yes`)
    expect((await bytesOf(published)).equals(zip)).toBe(true)
    expect(published).toMatchObject({ content: { fileCount: 4 }, platform: 'web' })
    expect(await readdir(env.TMPDIR ?? '')).toEqual([])
  })

  test('is looked through like a folder', async () => {
    const { write, run } = await createPublisher()
    await write({ 'app.zip': await zipOf({ 'www/index.html': page, '.env': 'x' }) })
    const { exitCode, stderr } = await run('release --platform web --version 1.0.0 --bundle app.zip --yes --json')
    expect([exitCode, findingsIn(stderr).map(({ check }) => check)]).toEqual([1, ['entry', 'secret']])
  })

  test.each([
    ['climbs out', writeZip([{ name: '../index.html', content: 'x' }]), /found what no device unpacks.*climbs out/],
    ['is cut', writeZip([{ name: 'index.html', content: page }]).subarray(0, 60), /found what no device unpacks/],
    ['is none', Buffer.from('<html>'), /Expected a zip at .*found a file that does not begin as a zip does/],
    ['is empty', Buffer.alloc(0), /found an empty file/],
  ])('is refused when it %s', async (_case, bytes, message) => {
    const { write, run, env, cwd } = await createPublisher()
    await write({ 'app.zip': bytes })
    const { exitCode, stderr } = await run('release --platform web --version 1.0.0 --bundle app.zip --yes')
    expect([exitCode, stderr]).toEqual([1, expect.stringMatching(message)])
    expect(stderr).toContain(join(cwd, 'app.zip'))
    expect(await readdir(env.TMPDIR ?? '')).toEqual([])
  })

  test('and a folder are told apart', async () => {
    const { write, run } = await createPublisher()
    await write({ ...inFolder('dist', built), 'app.zip': await zipOf(built) })
    const line = 'release --platform web --version 1.0.0 --yes'
    expect((await run(`${line} --bundle dist`)).stderr).toContain(
      'found a folder. A folder is given with --bundle-dir.',
    )
    expect((await run(`${line} --bundle-dir app.zip`)).stderr).toContain('found a file. A zip is given with --bundle.')
    expect((await run(`${line} --bundle none.zip`)).stderr).toContain('found nothing.')
  })
})
