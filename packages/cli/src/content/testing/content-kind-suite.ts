import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { appendFileSync, rmSync, truncateSync } from 'node:fs'
import { chmod, mkdir, readdir, readFile, rename, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { readStatement, writeStatement, type Platform } from '@hotpatch/protocol'
import { runCliProcess } from '@hotpatch/testkit'
import fc from 'fast-check'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { CommandError } from '../../errors/errors.ts'
import { completeContext, type CliContext } from '../../process/context.ts'
import { createCollector, createTool, type Tool } from '../../testing/run-tool.ts'
import { useServer } from '../../testing/server-suite.ts'
import type { ContentInput, ContentWish } from '../content-kind.ts'
import { openContent, recogniseContent, type MadeKind, type ReleaseBytes } from '../kinds.ts'

type Files = Readonly<Record<string, string | Buffer>>

export interface ContentKindSamples {
  /** What the kind calls such a folder. */
  as: string
  platform: Platform
  entry?: string
  /** What the folder has to be said to be; undefined when it shows. */
  asked?: 'files'
  /** The command that publishes such a folder, without app and version. */
  publish: (folder: string) => readonly string[]
  /** Of a folder that is taken. */
  good: Files
  /** What is of another kind. */
  foreign: readonly { comment: string; platform: Platform; input: (tool: Tool) => Promise<ContentInput> }[]
  /** Folders whose files devices cannot run, and what finds it. */
  unfit: readonly { comment: string; files: Files; check: string }[]
}

const run = promisify(execFile)
const MEGABYTE = 1024 ** 2

/** What every kind of content must do in the tool, Content §1. */
export function describeContentKind(tested: Pick<MadeKind, 'name' | 'recognise'>, samples: ContentKindSamples): void {
  const { good, platform, entry, asked } = samples
  const kind = tested as MadeKind

  describe(`content: ${kind.name}, ${samples.as}`, () => {
    const server = useServer()
    let tool: Tool
    let folder: string
    let context: CliContext
    let working: string
    beforeEach(async () => {
      tool = await createTool()
      folder = await writeFiles(join(tool.cwd, 'content'), good)
      context = contextOf(tool)
      working = await mkdirIn(tool.home, 'working')
    })
    const wishOf = (for_: Platform = platform): ContentWish => ({
      platform: for_,
      entry,
      projectDirectory: tool.cwd,
      withSourceMaps: false,
    })
    const inputOf = (path: string) => ({ kind: 'folder', path, ...(asked && { as: asked }) }) as const
    const open = (path = folder, given = context) =>
      openContent(given, inputOf(path), { wish: wishOf(), directory: working })

    async function refusalOf(work: Promise<unknown>): Promise<string> {
      const error = await work.then(
        () => undefined,
        (error: unknown) => error,
      )
      if (error !== undefined && !(error instanceof CommandError)) throw error
      return error?.message ?? 'taken'
    }

    describe('recognises', () => {
      test('its own, and says why', async () => {
        const input = inputOf(folder)
        expect(await kind.recognise(input, wishOf())).toMatchObject({ isOfKind: true, as: samples.as })
        expect(await recogniseContent(input, wishOf())).toBe(kind)
      })

      test.each(samples.foreign)('not $comment, and says what it expected', async ({ platform, input }) => {
        const answer = await kind.recognise(await input(tool), wishOf(platform))
        expect(answer).toEqual({
          isOfKind: false,
          expected: expect.stringMatching(/./),
          found: expect.stringMatching(/./),
          advice: expect.stringMatching(/\.$/),
        })
      })
    })

    describe('collects', () => {
      test('every file, sorted, wherever it is', async () => {
        const { files } = await open()
        expect(files.map(({ name }) => name)).toEqual(Object.keys(good).sort())
        expect(kind.told({ from: folder, files, sourceMaps: [] } as never)).toMatchObject({
          fileCount: Object.keys(good).length,
        })
      })

      test.each<[string, RegExp, (folder: string) => Promise<unknown>]>([
        ['a link to a file elsewhere', /a link out of/, (at) => symlink('/etc/hosts', join(at, 'a.txt'))],
        ['a link to a folder elsewhere', /a link out of/, (at) => symlink('..', join(at, 'a'))],
        ['a link to a device', /a link out of/, (at) => symlink('/dev/zero', join(at, 'a.txt'))],
        ['a link to nothing', /leads nowhere: ENOENT/, (at) => symlink('nothing', join(at, 'a.txt'))],
        ['a link to itself', /leads nowhere: ELOOP/, (at) => symlink('a.txt', join(at, 'a.txt'))],
        ['a link to a folder of its own', /neither a file nor a folder/, (at) => linkToFolder(at)],
        ['a pipe, which nobody writes into', /neither a file nor a folder/, (at) => run('mkfifo', [join(at, 'a')])],
        ['a socket', /neither a file nor a folder/, (at) => openSocket(join(at, 's'))],
        ['names that differ only by case', /the same on some/, (at) => writeFiles(at, { 'X/a.js': '', 'x/A.js': '' })],
        ['names that differ only by composition', /the same on some/, (at) => writeFiles(at, { é: '', 'e\u0301': '' })],
        ['a backslash', /a backslash/, (at) => writeFiles(at, { 'a\\b.js': '' })],
        ['a control character', /a control character/, (at) => writeFiles(at, { 'a\nb.js': '' })],
        ['a name that Windows keeps', /a device on Windows/, (at) => writeFiles(at, { 'aux.js': '' })],
        ['too long a path', /a path of \d+ bytes/, (at) => writeFiles(at, { [`${'abcdefg/'.repeat(64)}a.js`]: '' })],
        ['more bytes than any release has', /more than \d+ bytes/, (at) => writeSparse(join(at, 'big'))],
      ])('nothing of a folder that has %s', async (_case, message, spoil) => {
        await spoil(folder)
        expect(await refusalOf(open())).toMatch(message)
        expect(await readdir(working)).toEqual([])
      })

      test('nothing of a folder that is empty, or has only folders', async () => {
        const empty = await mkdirIn(tool.cwd, 'empty')
        expect(await refusalOf(open(empty))).toMatch(/found no files/)
        await mkdirIn(empty, 'folder')
        expect(await refusalOf(open(empty))).toMatch(/found no files/)
        expect(await refusalOf(open(join(tool.cwd, 'nowhere')))).toMatch(/found nothing/)
      })

      // Nothing is unreadable to the superuser.
      test.skipIf(process.getuid?.() === 0)('nothing of what cannot be read', async () => {
        await chmod(join(folder, Object.keys(good)[0] ?? ''), 0)
        await expect(open()).rejects.toThrow(/EACCES/)
      })
    })

    describe('checks', () => {
      test('what is good', async () => {
        expect((await open()).findings).toEqual([])
      })

      test.each(samples.unfit)('and finds $comment', async ({ files, check }) => {
        const { findings } = await open(await writeFiles(join(tool.cwd, 'unfit'), files))
        const errors = findings.filter(({ severity }) => severity === 'error')
        expect(errors.map((finding) => finding.check)).toEqual([check])
        for (const { expected, found, advice } of errors) expect([expected, found, advice]).not.toContain('')
      })
    })

    describe('packs', () => {
      const pack = async (path = folder, given = context) => {
        const packed = await (await open(path, given)).pack()
        return { ...packed, ...statedBytes(packed) }
      }

      test('what it says: every upload has its digest and its size, and all of it can be stated', async () => {
        const { sha256, sizeBytes, uploads, stated } = await pack()
        for (const upload of uploads) {
          const bytes = await readFile(upload.path)
          expect([sha256Of(bytes), bytes.length]).toEqual([upload.sha256, upload.sizeBytes])
        }
        expect(uploads.map((upload) => upload.sha256)).toContain(sha256)
        expect(sizeBytes).toBeGreaterThan(0)
        expect(stated.content.kind).toBe(kind.name)
        const statement = {
          appId: 'app',
          platform,
          target: 'release',
          version: '1.0.0',
          sequence: 1,
          floor: 0,
        } as const
        const more = { requirement: {}, createdAt: '2027-01-01T00:00:00.000Z' }
        expect(readStatement(writeStatement({ ...statement, ...more, ...stated }))).toMatchObject(stated)
      })

      test('the same of the same files, whatever their order, times, rights and the zone', async () => {
        const { sha256 } = await pack()
        const other = await writeFiles(join(tool.cwd, 'other'), Object.fromEntries(Object.entries(good).reverse()))
        for (const [index, name] of Object.keys(good).entries()) {
          await utimes(join(other, name), index * 86_400, index * 86_400)
          await chmod(join(other, name), index % 2 === 0 ? 0o700 : 0o444)
        }
        const zone = withZone('Pacific/Kiritimati')
        onTestFinished(zone.restore)
        expect((await pack(other)).sha256).toBe(sha256)
      })

      test('the same of the same files in another process, with another umask', async () => {
        const { sha256 } = await pack()
        const { env } = await server.createOwner()
        const slug = await createApp('umask')
        const line = `umask 0077 && exec "${process.execPath}" "$0" "$@"`
        const cli = new URL('../../../bin/hotpatch.js', import.meta.url).pathname
        const args = [...published(slug), '--dry-run', '--json']
        const shown = await run('/bin/sh', ['-c', line, cli, ...args], {
          cwd: tool.cwd,
          env: { ...process.env, ...env },
        })
        expect(JSON.parse(shown.stdout)).toMatchObject({ content: { kind: kind.name, sha256 } })
      })

      test('other bytes of other files, and the same of the same, whatever is in them', async () => {
        // Some systems take two names for one that differ by case only, and such files are refused.
        const taken = new Set(Object.keys(good).map((path) => path.toLowerCase()))
        const name = fc.stringMatching(/^[a-z]{1,8}(\/[a-z]{1,8}){0,2}\.txt$/).filter((path) => !taken.has(path))
        const seen = new Map<string, string>()
        let count = 0
        await fc.assert(
          fc.asyncProperty(fc.dictionary(name, fc.string(), { maxKeys: 6 }), async (more) => {
            const files = Object.entries(more).filter(([path]) => !isInsideAnother(path, Object.keys(more)))
            const [one, two] = await Promise.all(
              [files, files.toReversed()].map((each) =>
                writeFiles(join(tool.cwd, `any-${(count += 1)}`), { ...good, ...Object.fromEntries(each) }),
              ),
            )
            const [first, second] = [(await pack(one)).sha256, (await pack(two)).sha256]
            expect(first).toBe(second)
            const content = JSON.stringify(files.toSorted(([a], [b]) => (a < b ? -1 : 1)))
            expect(seen.get(first) ?? content).toBe(content)
            seen.set(first, content)
          }),
          { numRuns: 15 },
        )
      })

      const [changing = ''] = Object.keys(good)
      const at = () => join(folder, changing)
      test.each<[string, () => Promise<unknown>]>([
        ['was written to', async () => utimes(at(), 1, 1)],
        ['has grown', async () => appendFileSync(at(), 'more')],
        ['has shrunk', async () => truncateSync(at(), 1)],
        ['is gone', async () => rm(at())],
        ['is a link out by now', async () => replace(at(), (path) => symlink('/etc/hosts', path))],
        ['is a folder by now', async () => replace(at(), (path) => mkdir(path))],
        ['is a pipe by now', async () => replace(at(), (path) => run('mkfifo', [path]))],
      ])('nothing when a file %s since it was looked at', async (_case, change) => {
        const opened = await open()
        await change()
        expect(await refusalOf(opened.pack())).toMatch(/changed while it was/)
      })

      /** Something happens in the middle of a file: progress is told with each piece of it. */
      async function packWhile(happens: () => void, signal?: AbortSignal) {
        await writeFile(join(folder, 'large.bin'), noise(4 * MEGABYTE))
        let pieces = 0
        const now = () => {
          pieces += 1
          if (pieces === 5) happens()
          return new Date()
        }
        return pack(folder, contextOf(tool, { now, ...(signal && { signal }) }))
      }

      test.each<[string, (path: string) => void]>([
        ['grows', (path) => appendFileSync(path, 'more')],
        ['shrinks', (path) => truncateSync(path, MEGABYTE)],
      ])('nothing when a file %s while it is read', async (_case, change) => {
        expect(await refusalOf(packWhile(() => change(join(folder, 'large.bin'))))).toMatch(/changed while it was/)
      })

      test('what was there when a file vanishes while it is read', async () => {
        const { sha256 } = await packWhile(() => rmSync(join(folder, 'large.bin')))
        const again = await writeFiles(join(tool.cwd, 'again'), { ...good, 'large.bin': noise(4 * MEGABYTE) })
        expect(sha256).toBe((await pack(again)).sha256)
      })

      test('nothing more after Ctrl-C, and writes only where it may', async () => {
        const stop = new AbortController()
        const before = await treeOf(tool.cwd)
        await expect(packWhile(() => stop.abort(), stop.signal)).rejects.toMatchObject({ name: 'AbortError' })
        await rm(join(folder, 'large.bin'))
        expect(await treeOf(tool.cwd)).toEqual(before)
      })
    })

    async function createApp(name: string): Promise<string> {
      const { json } = await server.createOwner()
      const slug = `${name}-${samples.as.toLowerCase().replaceAll(' ', '-')}`
      await json('apps', 'create', slug, '--platforms', platform, '--yes')
      return slug
    }
    const published = (slug: string) => [
      ...samples.publish(folder),
      '--app',
      slug,
      '--version',
      '1.0.0',
      '--platform',
      platform,
      '--no-sign',
      ...(entry === undefined ? [] : ['--entry', entry]),
    ]

    test('a kill in the middle leaves only its own temporary folder, and nothing is published', async () => {
      const owner = await server.createOwner()
      const slug = await createApp('kill')
      await writeFile(join(folder, 'large.bin'), noise(12 * MEGABYTE))
      const before = await treeOf(tool.cwd)
      const args = [...published(slug), '--yes']
      const suicide = await writeSuicide(tool.home)
      const env = { ...owner.env, NODE_OPTIONS: `--import=${suicide}` } as Record<string, string>
      const { code, stdout } = await runCliProcess(args, { cwd: tool.cwd, env })
      expect([code, stdout]).toEqual([null, ''])
      const [left, ...others] = await readdir(env.TMPDIR ?? '')
      expect([left, others]).toEqual([expect.stringMatching(/^hotpatch-/), []])
      expect(await treeOf(tool.cwd)).toEqual(before)
      expect(await owner.json('releases', 'list', '--app', slug)).toMatchObject({ items: [] })
      expect(await owner.json(published(slug).join(' '), '--yes')).toMatchObject({ version: '1.0.0' })
    })

    test('what it makes is taken by a server, and served as it is', async () => {
      const owner = await server.createOwner()
      const slug = await createApp('taken')
      const { sha256, sizeBytes } = statedBytes(await (await open()).pack())
      const { content } = await owner.json<{ content: { downloadUrl: string } }>(published(slug).join(' '), '--yes')
      expect(content).toMatchObject({ kind: kind.name, sha256, sizeBytes, fileCount: Object.keys(good).length })
      const served = await fetch(content.downloadUrl)
      expect(served.headers.get('content-type')).toMatch(/^application\/(zip|json)$/)
      expect(sha256Of(Buffer.from(await served.arrayBuffer()))).toBe(sha256)
    })
  })
}

/** What all of it goes by. */
function statedBytes({ stated: { artifacts } }: Pick<ReleaseBytes, 'stated'>) {
  expect(artifacts).toHaveLength(1)
  const [{ sha256, sizeBytes } = { sha256: '', sizeBytes: 0 }] = artifacts
  return { sha256, sizeBytes }
}

const contextOf = ({ env, cwd }: Tool, more: Partial<CliContext> = {}) =>
  completeContext({ env, cwd, stdout: createCollector(), stderr: createCollector(), ...more })

const sha256Of = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

/** Bytes that do not become fewer, always the same. */
function noise(length: number): Buffer {
  const block = Buffer.alloc(length)
  let state = 1
  for (let at = 0; at + 4 <= length; at += 4) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    block.writeUInt32LE((state ^ (state >>> 15)) >>> 0, at)
  }
  return block
}

async function writeFiles(folder: string, files: Files): Promise<string> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), content)
  }
  return folder
}

async function mkdirIn(parent: string, name: string): Promise<string> {
  await mkdir(join(parent, name))
  return join(parent, name)
}

async function linkToFolder(folder: string): Promise<void> {
  await writeFiles(folder, { 'inner/a.txt': 'a' })
  await symlink('inner', join(folder, 'link'))
}

async function openSocket(path: string): Promise<void> {
  const server = createServer().listen(path)
  await once(server, 'listening')
  onTestFinished(() => void server.close())
}

/** Takes no place on the disk. */
async function writeSparse(path: string): Promise<void> {
  await writeFile(path, '')
  await truncate(path, 5 * 1000 ** 3)
}

async function replace(path: string, make: (path: string) => Promise<unknown>): Promise<void> {
  await rename(path, `${path}.old`)
  await make(path)
}

function withZone(zone: string) {
  const before = process.env.TZ
  process.env.TZ = zone
  return {
    restore() {
      if (before === undefined) delete process.env.TZ
      else process.env.TZ = before
    },
  }
}

const isInsideAnother = (path: string, all: readonly string[]) => all.some((other) => path.startsWith(`${other}/`))

/** Everything in a folder, with its size and when it was changed. */
async function treeOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const lines = files.map(async (path) => `${path} ${sha256Of(await readFile(path))}`)
  return (await Promise.all(lines)).sort()
}

/** A module that ends its process as soon as bytes are being written. */
async function writeSuicide(folder: string): Promise<string> {
  const path = join(folder, 'suicide.mjs')
  const script = `
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
const root = process.env.TMPDIR
setInterval(() => {
  const isWriting = readdirSync(root, { recursive: true }).some((name) => {
    const stats = statSync(join(root, name), { throwIfNoEntry: false })
    return stats?.isFile() && stats.size > 0
  })
  if (isWriting) process.kill(process.pid, 'SIGKILL')
}, 1).unref()
`
  await writeFile(path, script)
  return path
}
