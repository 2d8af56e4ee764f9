import { execFile, spawn } from 'node:child_process'
import { mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { beforeEach, describe, expect, test } from 'vitest'
import { createTool, type Tool } from './testing/run-tool.ts'

const program = fileURLToPath(new URL('../bin/hotpatch.js', import.meta.url))
/** Nobody listens there: the system has just given the port and taken it back. */
const url = `http://127.0.0.1:${await freePort()}`
const connection = ['--url', url, '--token', 'hp_secret']
let tool: Tool

beforeEach(async () => {
  tool = await createTool()
})

describe('wrong usage ends with 2 and says what is right', () => {
  test.each([
    [['frobnicate'], /unknown command 'frobnicate'/],
    [['apps', 'lst'], /unknown command 'lst'.*Did you mean list/s],
    [['deploy'], /unknown command 'deploy'.*That is called: hotpatch release/s],
    [['update'], /hotpatch release to publish, rollouts set/],
    [['tokens', 'create', '--name', 'x', '--role', 'reader', '--expires', 'soon'], /Expected a date such as 2030/],
    [['apps'], /Name a command/],
    [[], /Name a command/],
    [['apps', 'list', '--frob'], /unknown option '--frob'/],
    [['apps', 'list', 'extra'], /too many arguments/],
    [['apps', 'create'], /Give the app a short name/],
    [['apps', 'create', 'My App'], /found "My App"/],
    [['release'], /required option '--version <version>' not specified/],
    [
      ['release', '--version', '1.0 beta', '--platform', 'ios'],
      /'1.0 beta' is invalid. Expected a version such as 1.2.0/,
    ],
    [['release', '--version', '1', '--rollout', '101'], /'101' is invalid. Expected a percentage from 0 to 100/],
    [['release', '--version', '1', '--platform', 'symbian'], /Expected one of ios, android/],
    [['release', '--version', '1', '--mandatory', 'maybe'], /Expected true or false/],
    [['release', '--version', '1', ...connection], /Say for which platform/],
    [['release', '--version', '1', '--platform', 'ios', ...connection], /no terminal to ask on. Give --yes/],
    [['release', '--version', '1', '--platform', 'web', '--yes', ...connection], /--bundle-dir/],
    [['promote', '--to', 'beta', '--platform', 'ios'], /by --release, or by --version/],
    [['promote', '--to', 'beta', '--from', 'staging', '--release', 'x'], /by --release, or by --version/],
    [['rollback', '--platform', 'ios'], /--version 1.1.5, or --to embedded/],
    [['rollback', '--platform', 'ios', '--version', '1', '--to', 'embedded'], /--version 1.1.5, or --to embedded/],
    [['rollback', '--version', '1', ...connection], /Say for which platform/],
    [['rollouts', 'set', 'x'], /Say what to change/],
    [['rollouts', 'set', 'x', '--percentage', '0.001'], /steps of 0.01/],
    [['rollouts', 'halt', 'x', ...connection], /Give --yes/],
    [['rollouts', 'guard', 'x', '--limit', '0'], /^See: hotpatch rollouts guard --help$/m],
    [['explain'], /Name the device: hotpatch why DEVICE-ID/],
    [['login'], /Give --url or HOTPATCH_URL/],
    [['login', '--url', url], /Give --token, --token-stdin or HOTPATCH_TOKEN/],
    [['login', '--url', 'nowhere', '--token', 'x'], /expected the server's address/],
    [['login', '--token', 'x', '--token-stdin'], /Give --token or --token-stdin only/],
    [['keys', 'add', 'short'], /Expected the 32 bytes/],
    [['keys', 'public', '--format', 'der'], /Allowed choices are raw, hex, pem/],
  ])('%j', async (argv, message) => {
    const { exitCode, stdout, stderr } = await tool.run(argv)
    expect(stderr).toMatch(message)
    expect([exitCode, stdout]).toEqual([2, ''])
    expect(stderr).not.toMatch(/^\s+at |hp_secret/m)
  })
})

describe('failures end with 1', () => {
  test('there is no server', async () => {
    const { exitCode, stderr } = await tool.run(['whoami', ...connection])
    expect(exitCode).toBe(1)
    expect(stderr).toMatch(/^hotpatch: No answer from http:\/\/127.0.0.1:\d+: .*ECONNREFUSED/)
    expect(stderr).not.toContain('hp_secret')
  })

  test('nobody is logged in', async () => {
    expect((await tool.run('whoami')).stderr).toMatch(/There is no server to talk to. Run "hotpatch login"/)
    expect((await tool.run(['whoami', '--url', url])).stderr).toMatch(/There is no API token for/)
    expect((await tool.run('whoami')).exitCode).toBe(1)
  })

  test('the server is no HotPatch server', async () => {
    const server = createServer((socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi'))
    const port = await listen(server)
    const { exitCode, stderr } = await tool.run(['whoami', '--url', `http://127.0.0.1:${port}`, '--token', 'x'])
    server.close()
    expect(exitCode).toBe(1)
    expect(stderr).toMatch(/The server answered 200, with something else instead of JSON\.\nIs this a HotPatch server/)
  })

  test('the project file is wrong', async () => {
    await tool.write({ 'hotpatch.json': '{"app": 1}' })
    const { exitCode, stderr } = await tool.run('whoami')
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining('/app: expected the slug or id of an app, found 1')])
  })

  test('somebody pressed Ctrl-C', async () => {
    const { exitCode, stderr } = await tool.run(['whoami', ...connection], { signal: AbortSignal.abort() })
    expect([exitCode, stderr]).toEqual([1, 'hotpatch: Interrupted.\n'])
  })
})

describe('errors', () => {
  test('are one JSON value when asked for', async () => {
    const { stdout, stderr } = await tool.run(['whoami', '--json', ...connection])
    expect(stdout).toBe('')
    expect(JSON.parse(stderr)).toMatchObject({ error: { type: 'server-unreachable', message: expect.any(String) } })
    const usage = await tool.run('apps list --json --frob')
    expect(JSON.parse(usage.stderr)).toMatchObject({ error: { type: 'usage', message: "unknown option '--frob'" } })
  })

  test('show where they come from when asked', async () => {
    const env = { ...tool.env, HOTPATCH_DEBUG: '1' }
    const { stderr } = await tool.run(['whoami', ...connection], { env })
    expect(stderr).toMatch(/^\s+at .*Caused by: /ms)
    expect(stderr).not.toContain('hp_secret')
  })
})

test.each([80, 120])('help fits into %i columns', async (columns) => {
  const env = { ...tool.env, COLUMNS: String(columns) }
  const lines = ['--help', 'release --help', 'rollouts --help', 'simulate --help', 'adoption --help']
  const helps = await Promise.all(lines.map((line) => tool.run(line, { env })))
  expect(helps.flatMap(({ stdout }) => stdout.split('\n')).filter((text) => text.length > columns)).toEqual([])
})

test('help and the version are results', async () => {
  const help = await tool.run('release --help', { programName: 'rn-ota' })
  expect(help.stdout).toMatch(/^Usage: rn-ota release \[options\]/)
  const version = await tool.run('--version')
  expect(version.stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  expect([help.exitCode, version.exitCode]).toEqual([0, 0])
})

describe('keys', () => {
  const path = () => join(tool.home, '.rn-ota', 'signing_key.pem')

  test('are made once, shown, and printed in the forms that apps embed', async () => {
    const made = await tool.json<{ publicKey: string; fingerprint: string }>('keys generate')
    expect((await stat(path())).mode & 0o777).toBe(0o600)
    expect(await tool.json('keys show')).toEqual({ path: path(), ...made })
    const forms = await tool.json<{ raw: string; hex: string; pem: string }>('keys public')
    expect(forms.raw).toBe(made.publicKey)
    for (const format of ['raw', 'hex', 'pem'] as const) {
      expect((await tool.run(['keys', 'public', '--format', format])).stdout.trim()).toBe(forms[format].trim())
    }
    const again = await tool.run('keys generate')
    expect(again.exitCode).toBe(1)
    expect(again.stderr).toContain(
      `You have a signing key already, ${made.fingerprint}, in ${path()}. It stays as it is.`,
    )
    expect(again.stderr).toContain(`hotpatch keys public --key ${path()}`)
    expect(again.stderr).toContain('hotpatch keys generate --key spare.pem')
    await tool.write({ 'notes.txt': 'not a key' })
    const other = await tool.run('keys generate --key notes.txt --json')
    expect(JSON.parse(other.stderr)).toMatchObject({
      error: { type: 'key-exists', message: expect.stringContaining('expected an Ed25519 private key in PEM') },
    })
    expect(await readFile(join(tool.cwd, 'notes.txt'), 'utf8')).toBe('not a key')
  })

  test('can lie elsewhere, and never show their private half', async () => {
    const texts = [
      await tool.run('keys generate --key ci.pem'),
      await tool.run('keys show --key ci.pem'),
      await tool.run('keys public --key ci.pem'),
    ]
    const secret = (await readFile(join(tool.cwd, 'ci.pem'), 'utf8')).split('\n')[1] ?? ''
    expect(secret.length).toBeGreaterThan(40)
    for (const { exitCode, stdout, stderr } of texts) {
      expect(exitCode).toBe(0)
      expect(stdout + stderr).not.toContain(secret)
    }
  })
})

describe('the program', () => {
  const run = promisify(execFile)

  test('runs under both of its names', async () => {
    await symlink(program, join(tool.home, 'rn-ota'))
    const { stdout } = await run(process.execPath, [join(tool.home, 'rn-ota'), '--help'])
    expect(stdout).toMatch(/^Usage: rn-ota /)
    expect((await run(program, ['--version'])).stdout).toMatch(/^\d/)
  })

  test('says which Node it needs, and finds the one of a clone', async () => {
    // The copy believes that it needs a Node that does not exist yet.
    const packageJson = JSON.parse(await readFile(join(program, '..', '..', 'package.json'), 'utf8'))
    const folder = join(tool.cwd, 'packages', 'cli')
    await mkdir(join(folder, 'bin'), { recursive: true })
    await writeFile(join(folder, 'package.json'), JSON.stringify({ ...packageJson, engines: { node: '>=999.0' } }))
    await writeFile(join(folder, 'bin', 'hotpatch.js'), await readFile(program))
    const copy = join(folder, 'bin', 'hotpatch.js')
    await expect(run(process.execPath, [copy])).rejects.toMatchObject({ code: 1, stderr: /needs Node 999.0 or newer/ })

    const pinned = join(tool.cwd, 'node_modules', 'node', 'bin', 'node')
    await mkdir(join(pinned, '..'), { recursive: true })
    await writeFile(pinned, '#!/bin/sh\necho "pinned $2"; exit 2\n', { mode: 0o755 })
    await expect(run(process.execPath, [copy, 'doctor'])).rejects.toMatchObject({ code: 2, stdout: 'pinned doctor\n' })
  })

  test('stops at Ctrl-C while it waits for a server', async () => {
    const server = createServer()
    const asked = new Promise<void>((resolve) => server.once('connection', () => resolve()))
    const port = await listen(server)
    const args = [program, 'whoami', '--url', `http://127.0.0.1:${port}`, '--token', 'x']
    const child = spawn(process.execPath, args, { env: tool.env, cwd: tool.cwd })
    const ended = new Promise((resolve) => child.once('exit', (code) => resolve(code)))
    await asked
    child.kill('SIGINT')
    expect(await ended).toBe(1)
    server.close()
  })
})

function listen(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port))
  })
}

async function freePort(): Promise<number> {
  const server = createServer()
  const port = await listen(server)
  await new Promise((resolve) => server.close(resolve))
  return port
}
