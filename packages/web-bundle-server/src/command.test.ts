import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import { buildOf, filesOf, makeDirectory, writeFiles } from './testing/bundle-directory.ts'

const COMMAND = fileURLToPath(new URL('../bin/web-bundle-server.js', import.meta.url))

function start(...args: string[]) {
  const child = spawn(process.execPath, ['--no-warnings', COMMAND, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}

async function run(...args: string[]) {
  const child = start(...args)
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  return { stdout, stderr, code: code as number }
}

test('serves a folder below a path, and stops when it is told to', async () => {
  const directory = await makeDirectory()
  const build = buildOf('1.0.0')
  await writeFiles(directory, filesOf(build))
  const child = start(directory, '--port', '0', '--host', '127.0.0.1', '--base-path', '/shop/')
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  const address = /http:\S+/.exec(line.toString())?.[0] ?? ''
  expect(address).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/shop\/$/)
  const manifest = await fetch(`${address}api/v1/native/bundle/manifest`)
  expect(await manifest.json()).toMatchObject({ version: '1.0.0', checksum: build.checksum })
  expect((await fetch(`${address}other`)).status).toBe(404)
  expect((await fetch(new URL('/api/v1/native/bundle/manifest', address))).status).toBe(404)
  child.kill('SIGTERM')
  expect((await once(child, 'close'))[0]).toBe(0)
})

test('says at once that there is nothing in a folder, and waits for it', async () => {
  const child = start(await makeDirectory(), '--port', '0', '--host', '127.0.0.1')
  const [line] = (await once(child.stderr, 'data')) as [Buffer]
  expect(line.toString()).toMatch(/^No web bundle is served: ENOENT/)
  child.kill('SIGTERM')
  expect((await once(child, 'close'))[0]).toBe(0)
})

test('--help says how', async () => {
  expect(await run('--help')).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Usage: web-bundle-server DIR/) })
})

describe('refuses', () => {
  test.each([
    ['no folder', [], 2, /Expected one folder, found 0/],
    ['two folders', ['a', 'b'], 2, /Expected one folder, found 2/],
    ['a port that is none', ['.', '--port', '99999'], 2, /Expected a port from 0 to 65535, found "99999"/],
    ['a path that is none', ['.', '--base-path', 'shop'], 2, /Expected a path such as \/shop/],
    ['an address that is none', ['.', '--public-url', 'shop'], 2, /Expected an address such as/],
    ['an unknown option', ['.', '--prot', '1'], 2, /--prot/],
    ['a folder that is not there', [join('no', 'where')], 1, /found none at .*no\/where/],
  ])('%s', async (_case, args, code, message) => {
    expect(await run(...args)).toMatchObject({ code, stderr: expect.stringMatching(message), stdout: '' })
  })
})

describe('told to stop while somebody downloads', () => {
  /** More than the system's buffers take in by themselves. */
  const large = buildOf('1.0.0', { sizeBytes: 40 * 1024 * 1024 })

  async function startLarge() {
    const directory = await makeDirectory()
    await writeFiles(directory, filesOf(large))
    const child = start(directory, '--port', '0', '--host', '127.0.0.1')
    const [line] = (await once(child.stdout, 'data')) as [Buffer]
    return { child, address: new URL(/http:\S+/.exec(line.toString())?.[0] ?? '') }
  }

  test('it ends when that is done', async () => {
    const { child, address } = await startLarge()
    const response = await fetch(new URL('/api/v1/native/bundle/download', address))
    child.kill('SIGTERM')
    expect((await response.arrayBuffer()).byteLength).toBe(large.zip.length)
    expect((await once(child, 'close'))[0]).toBe(0)
  })

  test('it ends also when that is never done', async () => {
    const { child, address } = await startLarge()
    const stuck = connect(Number(address.port), '127.0.0.1')
    onTestFinished(() => void stuck.destroy())
    stuck.on('error', () => undefined)
    stuck.write('GET /api/v1/native/bundle/download HTTP/1.1\r\nhost: x\r\n\r\n')
    await once(stuck, 'readable')
    child.kill('SIGTERM')
    expect((await once(child, 'close'))[0]).toBe(0)
  })
})
