import { createHash } from 'node:crypto'
import { chmod, mkdir, readFile, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { completeContext } from '../../process/context.ts'
import { createCollector, createTool, type Tool } from '../../testing/run-tool.ts'
import { buildBundle, npxCommand } from './build-bundle.ts'
import { BUNDLE_LIMITS, listBundleFiles } from '../folder/bundle-files.ts'
import { zipBundle } from './zip-bundle.ts'

const contextOf = ({ env, cwd }: Tool, stderr = createCollector()) =>
  completeContext({ env, cwd, stdout: createCollector(), stderr })
let tool: Tool

beforeEach(async () => {
  tool = await createTool()
})

async function names(limits = BUNDLE_LIMITS) {
  return (await listBundleFiles(tool.cwd, limits)).map(({ name }) => name)
}

describe('the files of a bundle', () => {
  test('are sorted, with their folders, without what file managers leave', async () => {
    await tool.write({ 'b.js': 'b', 'a/z.png': 'z', 'a/.DS_Store': '', 'C.js': 'C', 'ä.js': 'ä' })
    expect(await names()).toEqual(['C.js', 'a/z.png', 'b.js', 'ä.js'])
  })

  test('may be links to each other', async () => {
    await tool.write({ 'main.js': 'x' })
    await symlink('main.js', join(tool.cwd, 'index.js'))
    expect(await names()).toEqual(['index.js', 'main.js'])
  })

  test.each([
    ['a file elsewhere', '../home/secret', 'a link out of the bundle'],
    ['a folder elsewhere', '../home', 'a link out of the bundle'],
    ['a folder of its own', 'folder', 'neither a file nor a folder'],
    ['nothing', 'nowhere', 'leads nowhere: ENOENT'],
  ])('are not links to %s', async (_, target, message) => {
    await writeFile(join(tool.home, 'secret'), 'secret')
    await tool.write({ 'folder/main.js': 'x' })
    await symlink(target, join(tool.cwd, 'link'))
    await expect(names()).rejects.toThrow(message)
  })

  test.each([
    ['no files', {}, BUNDLE_LIMITS, 'found no files'],
    ['too many files', { a: '', b: '', c: '' }, { ...BUNDLE_LIMITS, files: 2 }, 'more than 2 files'],
    ['too many bytes', { a: '12345' }, { ...BUNDLE_LIMITS, totalBytes: 4 }, 'more than 4 bytes'],
    ['too long a path', { 'abc/d': '' }, { ...BUNDLE_LIMITS, nameBytes: 4 }, 'a path of 5 bytes, more than 4'],
    ['a backslash', { 'a\\b': '' }, BUNDLE_LIMITS, 'found a backslash'],
    ['a device of Windows', { 'assets/nul.png': '' }, BUNDLE_LIMITS, 'found the name of a device on Windows'],
    ['what Windows forbids', { 'what?.js': '' }, BUNDLE_LIMITS, 'which no name on Windows may have'],
    ['the devices’ own name', { '.hotpatch.json': '' }, BUNDLE_LIMITS, 'which devices keep for themselves'],
    [
      'two cases of one name',
      { 'a/Logo.png': '', 'a/logo.png': '' },
      BUNDLE_LIMITS,
      /logo.png cannot .* found .*Logo.png, which is the same/,
    ],
    ['invisible differences', { 'a.js': '', 'a\u200b.js': '' }, BUNDLE_LIMITS, 'which is the same on some devices'],
  ])('are refused: %s', async (_, files, limits, message) => {
    await tool.write(files)
    await expect(names(limits)).rejects.toThrow(message)
  })
})

describe('the zip', () => {
  const files = { 'index.js': 'x'.repeat(200_000), 'assets/a.png': Buffer.from([1, 2, 3]), 'assets/empty': '' }
  const zip = async (from: Tool) =>
    zipBundle(contextOf(from), await listBundleFiles(from.cwd), join(from.home, 'bundle.zip'))

  test('of the same files has the same bytes', async () => {
    const other = await createTool()
    await tool.write(files)
    await other.write(Object.fromEntries(Object.entries(files).reverse()))
    await utimes(join(other.cwd, 'index.js'), new Date(0), new Date(1e12))
    await chmod(join(other.cwd, 'index.js'), 0o755)

    const [first, second] = [await zip(tool), await zip(other)]
    expect(first.sha256).toBe(second.sha256)
    expect(await readFile(first.path)).toEqual(await readFile(second.path))
  })

  test('keeps what is executable where that is asked for, and nothing else of who may do what', async () => {
    const kept = async (modes: Readonly<Record<string, number>>) => {
      const from = await createTool()
      await from.write({ start: '#!/bin/sh', 'read.txt': 'x' })
      for (const [name, mode] of Object.entries(modes)) await chmod(join(from.cwd, name), mode)
      const found = await listBundleFiles(from.cwd)
      return zipBundle(contextOf(from), found, join(from.home, 'bundle.zip'), { keepsExecutables: true })
    }
    const first = await kept({ start: 0o755, 'read.txt': 0o644 })
    expect((await kept({ start: 0o700, 'read.txt': 0o666 })).sha256).toBe(first.sha256)
    expect((await kept({ start: 0o4775, 'read.txt': 0o655 })).sha256).toBe(first.sha256)
    expect((await kept({ start: 0o644, 'read.txt': 0o644 })).sha256).not.toBe(first.sha256)
  })

  test('is measured as it is written', async () => {
    await tool.write(files)
    const { path, sha256, sizeBytes } = await zip(tool)
    const bytes = await readFile(path)
    expect(sizeBytes).toBe(bytes.length)
    expect(sha256).toBe(createHash('sha256').update(bytes).digest('hex'))
    expect(sizeBytes).toBeLessThan(2000)
  })

  test.each([
    ['is gone', 'gone', /The bundle changed while it was read: .*gone: ENOENT/],
    ['has grown', 'index.js', /The bundle changed while it was read/],
  ])('fails when a file %s by then', async (_, name, message) => {
    await tool.write(files)
    const found = [{ name, path: join(tool.cwd, name), sizeBytes: 10 }]
    await expect(zipBundle(contextOf(tool), found, join(tool.home, 'x.zip'))).rejects.toThrow(message)
  })
})

/** Says what it was asked, and writes the bundle and an asset. */
const BUNDLER = `
const { mkdirSync, writeFileSync } = require('node:fs')
const value = (name) => process.argv[process.argv.indexOf(name) + 1]
console.log('asked: ' + process.argv.slice(2, 8).join(' ') + ' in ' + process.cwd())
writeFileSync(value('--bundle-output'), 'bundle of ' + value('--entry-file'))
mkdirSync(value('--assets-dest') + '/assets', { recursive: true })
writeFileSync(value('--assets-dest') + '/assets/logo.png', 'png')
`

describe('the bundler', () => {
  const build = (stderr = createCollector()) => {
    const buildDirectory = join(tool.cwd, 'build')
    return buildBundle(contextOf(tool, stderr), {
      platform: 'android',
      projectDirectory: tool.cwd,
      entryFile: 'index.js',
      buildDirectory,
      isForHermes: false,
    })
  }

  test('is run in the project, and heard', async () => {
    await tool.installProgram('npx', BUNDLER)
    const stderr = createCollector()
    const directory = await build(stderr)
    expect(directory).toBe(join(tool.cwd, 'build', 'hotpatch-android'))
    expect((await listBundleFiles(directory)).map(({ name }) => name)).toEqual([
      'assets/logo.png',
      'index.android.bundle',
    ])
    expect(stderr.text()).toBe(
      `asked: react-native bundle --platform android --dev false in ${tool.cwd}\n` +
        'The bundler wrote no source map: traces of this release cannot be read with symbolicate.\n',
    )
  })

  test('starts in an empty folder, and leaves those of others alone', async () => {
    await tool.installProgram('npx', BUNDLER)
    await tool.write({ 'build/android/theirs.txt': 'theirs', 'build/hotpatch-android/old.png': 'old' })
    const files = await listBundleFiles(await build())
    expect(files.map(({ name }) => name)).not.toContain('old.png')
    expect(await readFile(join(tool.cwd, 'build/android/theirs.txt'), 'utf8')).toBe('theirs')
  })

  test('is told to colour nothing where nobody watches', async () => {
    const colours = 'console.error(`${process.env.NO_COLOR} ${process.env.FORCE_COLOR}`); process.exitCode = 3'
    await tool.installProgram('npx', colours)
    const stderr = createCollector()
    await expect(build(stderr)).rejects.toThrow(/exit code 3/)
    expect(stderr.text()).toBe('1 0\n')
  })

  test('that fails stops everything', async () => {
    await tool.installProgram('npx', 'console.error("no such module"); process.exitCode = 3')
    const stderr = createCollector()
    await expect(build(stderr)).rejects.toThrow(/npx react-native bundle --platform android failed with exit code 3/)
    expect(stderr.text()).toBe('no such module\n')
  })

  test('may be missing', async () => {
    tool.env.PATH = await tool.write({})
    await expect(build()).rejects.toThrow(/npx could not be started: .*ENOENT/)
  })

  test('needs a folder', async () => {
    await tool.write({ build: 'a file' })
    await expect(build()).rejects.toThrow(/Cannot build into .*: there is a file of that name/)
  })

  test('never gets to follow a link out', async () => {
    await tool.installProgram('npx', BUNDLER)
    await mkdir(join(tool.cwd, 'build'))
    await writeFile(join(tool.home, 'precious'), 'x')
    await symlink(tool.home, join(tool.cwd, 'build', 'hotpatch-android'))
    await build()
    expect(await readFile(join(tool.home, 'precious'), 'utf8')).toBe('x')
  })
})

test('npx is started without a shell, on Windows too', () => {
  const node = 'C:\\Program Files\\nodejs\\node.exe'
  const script = 'C:\\Program Files\\nodejs\\node_modules\\npm\\bin\\npx-cli.js'
  expect(npxCommand('linux', '/usr/bin/node', () => false)).toEqual({ command: 'npx', before: [] })
  expect(npxCommand('win32', node, (path) => path === script)).toEqual({ command: node, before: [script] })
  expect(() => npxCommand('win32', node, () => false)).toThrow(`Expected npm beside Node, at ${script}`)
})

test('the bundler gets neither the token nor the key', async () => {
  const tool = await createTool({ HOTPATCH_TOKEN: 'hp_secret', HOTPATCH_SIGNING_KEY: 'pem', KEPT: 'yes' })
  await tool.installProgram(
    'npx',
    'console.log(process.env.HOTPATCH_TOKEN, process.env.HOTPATCH_SIGNING_KEY, process.env.KEPT)',
  )
  const stderr = createCollector()
  const { cwd } = tool
  await buildBundle(contextOf(tool, stderr), {
    platform: 'ios',
    projectDirectory: cwd,
    entryFile: 'index.js',
    buildDirectory: join(cwd, 'build'),
    isForHermes: false,
  })
  expect(stderr.text()).toContain('undefined undefined yes')
})
