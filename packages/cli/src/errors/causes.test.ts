import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { chmod, mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer as createPlainServer, type AddressInfo, type Server } from 'node:net'
import { join } from 'node:path'
import { createServer as createTlsServer } from 'node:tls'
import { ApiProblem, ServerUnreachable, type ManagementClient } from '@hotpatch/api'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { buildBundle } from '../content/archive/build-bundle.ts'
import { zipBundle } from '../content/archive/zip-bundle.ts'
import { completeContext } from '../process/context.ts'
import { describeError } from './describe-error.ts'
import { createOutput } from '../output/output.ts'
import { findImpact } from '../release/change-impact.ts'
import { createCollector, createTool, type Tool } from '../testing/run-tool.ts'

let tool: Tool

beforeEach(async () => {
  tool = await createTool()
})

/** Where it listens. */
async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}

const answering = (listener: RequestListener) => listen(createServer(listener))

async function closedPort(): Promise<number> {
  const server = createPlainServer()
  const port = await listen(server)
  server.close()
  await once(server, 'close')
  return port
}

/** Each really happens: what the system, TLS or HTTP says of it must be in the message. */
const NETWORK: [what: string, url: () => Promise<string>, message: RegExp][] = [
  ['nobody listens', async () => `http://127.0.0.1:${await closedPort()}`, /ECONNREFUSED/],
  ['nobody listens at any address of a name', async () => `http://localhost:${await closedPort()}`, /ECONNREFUSED/],
  ['a name that nobody has', async () => 'http://nobody.invalid', /(?:ENOTFOUND|EAI_AGAIN).*No proxy is set/],
  [
    'plain HTTP where TLS is expected',
    async () => `https://127.0.0.1:${await answering((_, response) => response.end())}`,
    /ERR_SSL_\w+.*[^]*does not speak TLS/,
  ],
  [
    'a server without a certificate',
    async () => `https://127.0.0.1:${await listen(createTlsServer({}).on('tlsClientError', () => undefined))}`,
    /ERR_SSL_\S*HANDSHAKE_FAILURE: ssl\/tls alert handshake failure$/m,
  ],
  [
    'a connection that is cut',
    async () => `http://127.0.0.1:${await listen(createPlainServer((socket) => void socket.resetAndDestroy()))}`,
    /ECONNRESET|UND_ERR_SOCKET/,
  ],
  [
    'an answer that breaks off',
    async () =>
      `http://127.0.0.1:${await answering((_, response) => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': 100 })
        response.write('{"na')
        setImmediate(() => response.destroy())
      })}`,
    /The answer from .* broke off: .*(?:UND_ERR_SOCKET|ECONNRESET|other side closed)/,
  ],
  [
    'an address that leads on',
    async () =>
      `http://127.0.0.1:${await answering((_, response) => response.writeHead(302, { location: '/x' }).end())}`,
    /unexpected redirect/,
  ],
  [
    'a page instead of an answer',
    async () =>
      `http://127.0.0.1:${await answering((_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<p>'))}`,
    /answered 200, with text\/html instead of JSON/,
  ],
  [
    'an answer that is damaged',
    async () =>
      `http://127.0.0.1:${await answering((_, response) => response.writeHead(200, { 'content-type': 'application/json' }).end('{"token":"hpt_'))}`,
    /answered 200, with 14 characters that are not JSON/,
  ],
]

describe('of the network is said', () => {
  test.each(NETWORK)('%s', async (_, url, message) => {
    const { exitCode, stderr } = await tool.run(['whoami', '--url', await url(), '--token', 'hpt_secret'])
    expect([exitCode, stderr]).toEqual([1, expect.stringMatching(message)])
    expect(stderr).not.toMatch(/hpt_|Unexpected/)
  })

  test('that it was the proxy', async () => {
    const env = { ...tool.env, HTTP_PROXY: `http://127.0.0.1:${await closedPort()}` }
    const { stderr } = await tool.run('whoami --url http://updates.example.com --token x', { env })
    expect(stderr).toMatch(/ECONNREFUSED.*\(the proxy is http:\/\/127\.0\.0\.1:\d+ of HTTP_PROXY\)/)
  })

  test.each([
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'NODE_EXTRA_CA_CERTS'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'NODE_EXTRA_CA_CERTS'],
    ['CERT_HAS_EXPIRED', 'Renew the certificate'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'for another name'],
  ])('what to do about %s', (code, hint) => {
    const cause = new TypeError('fetch failed', { cause: Object.assign(new Error('no'), { code }) })
    const described = describeError(new ServerUnreachable('No answer from https://x', { cause }), 'hotpatch')
    expect([described.message, described.hint]).toEqual([
      `No answer from https://x: ${code}: no`,
      expect.stringContaining(hint),
    ])
  })

  test('every reason, when each address has its own', () => {
    const of = (code: string) => Object.assign(new Error(`connect ${code} ::1`), { code })
    const cause = new AggregateError([of('ENETUNREACH'), of('ECONNREFUSED'), of('ECONNREFUSED')])
    expect(describeError(new ServerUnreachable('No answer', { cause }), 'hotpatch').message).toBe(
      'No answer: connect ENETUNREACH ::1; connect ECONNREFUSED ::1',
    )
  })
})

const inHome = (name: string) => join(tool.home, '.rn-ota', name)
const folder = (path: () => string) => async () => void (await mkdir(path(), { recursive: true }))
const KEY_LINE = 'keys show'

/** Ways in which files go wrong, and what is run then. */
const FILES: [what: string, make: () => Promise<void>, line: string, message: RegExp][] = [
  ['a folder as the login', folder(() => inHome('config.toml')), 'whoami', /config\.toml cannot be read: EISDIR/],
  ['a folder as the key', folder(() => inHome('signing_key.pem')), KEY_LINE, /signing_key\.pem cannot be read: EISDIR/],
  ['a folder as the memory', folder(() => inHome('trust.json')), 'trust list', /trust\.json cannot be read: EISDIR/],
  [
    'a folder as the project file',
    folder(() => join(tool.cwd, 'hotpatch.json')),
    'whoami',
    /hotpatch\.json cannot be read: EISDIR/,
  ],
  [
    'a home that is a file',
    async () => {
      await rm(tool.home, { recursive: true })
      await writeFile(tool.home, '')
    },
    'keys generate',
    /cannot be written: ENOTDIR/,
  ],
  [
    'links in a circle',
    () => symlink('key.pem', join(tool.cwd, 'key.pem')),
    'keys show --key key.pem',
    /key\.pem cannot be read: ELOOP/,
  ],
  [
    'a name that is too long',
    async () => undefined,
    `keys show --key ${'k'.repeat(300)}`,
    /cannot be read: ENAMETOOLONG/,
  ],
  [
    'a broken project file',
    async () => void (await tool.write({ 'hotpatch.json': '{"app": "shop",}' })),
    'whoami',
    /hotpatch\.json is not a valid project file: .*JSON.*position 15/,
  ],
  [
    'a broken login, without what may be a token',
    async () => {
      await mkdir(inHome(''), { recursive: true })
      await writeFile(inHome('config.toml'), 'token = hpt_secret')
    },
    'whoami',
    /config\.toml is not valid TOML at line 1, column \d+/,
  ],
  [
    'a broken memory',
    async () => {
      await mkdir(inHome(''), { recursive: true })
      await writeFile(inHome('trust.json'), '{')
    },
    'trust list',
    /trust\.json is not as this tool wrote it: .*JSON/,
  ],
]

describe('of files is said', () => {
  test.each(FILES)('%s', async (_, make, line, message) => {
    await make()
    const { exitCode, stderr } = await tool.run(line)
    expect([exitCode, stderr]).toEqual([1, expect.stringMatching(message)])
    expect(stderr).not.toMatch(/hpt_secret|Unexpected/)
  })

  test.skipIf(process.platform !== 'linux')('that the disk is full, and where', async () => {
    await tool.write({ 'main.js': 'x' })
    const context = completeContext({ ...tool, stdout: createCollector(), stderr: createCollector() })
    const files = [{ name: 'main.js', path: join(tool.cwd, 'main.js'), sizeBytes: 1 }]
    await expect(zipBundle(context, files, '/dev/full')).rejects.toThrow(
      /written to \/dev\/full: ENOSPC: no space left/,
    )
  })
})

describe('of programs is said', () => {
  const build = (projectDirectory = tool.cwd) => {
    const context = completeContext({ ...tool, stdout: createCollector(), stderr: createCollector() })
    const buildDirectory = join(tool.home, 'build')
    return buildBundle(context, {
      platform: 'ios',
      projectDirectory,
      entryFile: 'x.js',
      buildDirectory,
      isForHermes: false,
    })
  }

  test('that it is not there', async () => {
    tool.env.PATH = tool.home
    await expect(build()).rejects.toThrow(/npx could not be started: .*ENOENT \(it is not on PATH\)/)
  })

  test('that it must not be run', async () => {
    await tool.installProgram('npx', '')
    await chmod(join(tool.cwd, '../bin/npx'), 0o644)
    tool.env.PATH = join(tool.cwd, '../bin')
    await expect(build()).rejects.toThrow(/npx could not be started: .*EACCES/)
  })

  test('that its folder is gone', async () => {
    await tool.installProgram('npx', '')
    await expect(build(join(tool.cwd, 'gone'))).rejects.toThrow(/there is no folder .*gone to run it in/)
  })

  test('what ended it', async () => {
    await tool.installProgram('npx', 'process.kill(process.pid, "SIGKILL")')
    await expect(build()).rejects.toThrow(/was ended by SIGKILL.*too little memory/)
  })
})

test.each([
  [503, 'Known devices: the server could not say what would become of them. The server answered 503.\n'],
  [429, 'Known devices: the server could not say what would become of them. The server answered 429.\n'],
  [404, ''],
])('that nobody could look at the devices is said: %s', async (status, told) => {
  const stderr = createCollector()
  const output = createOutput({ stdout: createCollector(), stderr }, false)
  const api = { getImpact: () => Promise.reject(new ApiProblem(status, undefined)) } as unknown as ManagementClient
  expect(await findImpact(api, 'shop', { change: 'halt', rolloutId: 'x' }, output)).toBeUndefined()
  expect(stderr.text()).toBe(told)
})

test('what nobody expected keeps its cause', () => {
  const error = new Error('no chart', { cause: new RangeError('width -1') })
  expect(describeError(error, 'hotpatch').message).toBe('Unexpected: no chart: width -1')
  const cause = Object.assign(new Error('EROFS: read-only file system, open /x'), { code: 'EROFS', syscall: 'open' })
  expect(describeError(cause, 'hotpatch')).toMatchObject({ type: 'system-error', message: cause.message })
  expect(describeError(new ApiProblem(502, undefined), 'hotpatch').message).toBe('The server answered 502.')
})
