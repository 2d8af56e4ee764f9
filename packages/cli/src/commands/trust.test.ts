import { createPrivateKey, sign } from 'node:crypto'
import { access, mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Page, PublishedArchive, Release } from '@hotpatch/api'
import { readReleaseStatement } from '@hotpatch/protocol'
import { describe, expect, onTestFinished, test } from 'vitest'
import { useServer } from '../testing/server-suite.ts'

const server = useServer()
const release = 'release --bundle-dir dist --platform android --yes --version'
const files = { 'dist/index.android.bundle': 'bundle' }

describe('an app', () => {
  test('is remembered when it is first signed for, and refused when its id is another then', async () => {
    const { write, run, json, home, app } = await server.createPublisher()
    await write(files)
    const first = await run(`${release} 1.0.0`)
    expect([first.exitCode, first.stderr]).toEqual([0, expect.stringMatching(/First use +app-\d+ on .* has the id/)])
    expect((await run(`${release} 1.0.1`)).stderr).not.toContain('First use')
    expect(await json('trust list')).toMatchObject({
      servers: [{ url: server.url(), apps: [{ slug: app.slug, id: app.id }] }],
      apps: [{ id: app.id, sequences: { android: 2 } }],
    })

    const path = join(home, '.rn-ota', 'trust.json')
    const other = '0197f0c2-7f0a-7c3e-9a55-2b1d6f1e8a01'
    await writeFile(path, (await readFile(path, 'utf8')).replaceAll(app.id, other))
    const refused = await run(`${release} 1.0.2 --json`)
    expect(refused.exitCode).toBe(1)
    expect(refused.stderr).toMatch(new RegExp(`expected the id ${other} .* found ${app.id}.*hotpatch trust app`))
    await json('trust app --yes')
    await json(`${release} 1.0.2`)
  })

  test('has its id in the project file where no home remembers, and no other is signed for', async () => {
    const { write, run, json, cwd, app } = await server.createPublisher()
    await write(files)
    await json('trust app --project --yes')
    const project = JSON.parse(await readFile(join(cwd, 'hotpatch.json'), 'utf8')) as object
    expect(project).toMatchObject({ app: app.slug, appId: app.id, trustedKeys: [expect.any(String)] })
    await write({ 'hotpatch.json': JSON.stringify({ app: app.slug, appId: '0197f0c2-7f0a-7c3e-9a55-2b1d6f1e8a01' }) })
    const refused = await run(`${release} 1.0.0`)
    expect(refused).toMatchObject({ exitCode: 1, stderr: expect.stringContaining(`found ${app.id}`) })
  })
})

test('what only an id names must be of the app that is meant', async () => {
  const { write, run, json, app } = await server.createPublisher()
  await write(files)
  const { releaseId } = await json<PublishedArchive>(`${release} 1.0.0`)
  await json('apps create elsewhere --platforms android --yes')
  const promote = `promote --release ${releaseId} --version 1.0.0 --platform android --to beta --yes`
  const refused = await run(`${promote} --app elsewhere`)
  expect(refused).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining(`expected elsewhere, found ${app.slug}`),
  })
  expect(await run(promote)).toMatchObject({ exitCode: 0 })
})

describe('a sequence', () => {
  /** As after that many publishes, or with a server that was restored since. */
  async function createAt(sequence: number) {
    const publisher = await server.createPublisher()
    await publisher.write(files)
    await publisher.json(`${release} 1.0.0`)
    const path = join(publisher.home, '.rn-ota', 'trust.json')
    await writeFile(path, (await readFile(path, 'utf8')).replace('"android": 1', `"android": ${sequence}`))
    return publisher
  }

  test('below one that a server took from here is refused: it was restored', async () => {
    const { run } = await createAt(20)
    const { exitCode, stderr } = await run(`${release} 1.1.0`)
    expect([exitCode, stderr]).toEqual([1, expect.stringMatching(/is 2, but 20 was taken before.*--next-sequence 21/)])
  })

  test('far above is refused, unless the user knows better', async () => {
    const { run, json, write, home, app } = await createAt(1)
    await json(`${release} 1.0.1 --allow-sequence-jump`)
    // Somebody else has the app go on far above.
    const path = join(home, '.rn-ota', 'signing_key.pem')
    const key = createPrivateKey(await readFile(path, 'utf8'))
    const text = `{"type":"hotpatch.release.v1","appId":"${app.id}","platform":"android","target":"embedded","version":"embedded","sequence":4000,"floor":0,"requirement":{},"artifacts":[],"createdAt":"2030-01-01T00:00:00.000Z"}`
    const statement = Buffer.from(text)
    const body = {
      platform: 'android',
      channel: 'production',
      to: 'embedded',
      statement: statement.toString('base64'),
      statementSignature: sign(null, statement, key).toString('base64'),
    }
    const headers = { authorization: `Bearer ${server.ownerToken()}`, 'content-type': 'application/json' }
    const address = `${server.url()}/manage/v1/apps/${app.id}/rollbacks`
    expect((await fetch(address, { method: 'POST', headers, body: JSON.stringify(body) })).status).toBe(201)
    await write(files)
    const refused = await run(`${release} 1.1.0`)
    expect(refused).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(/is 4001: expected at most 1002/) })
    expect(await json(`${release} 1.1.0 --allow-sequence-jump`)).toMatchObject({ sequence: 4001 })
    expect(await json(`${release} 1.2.0`)).toMatchObject({ sequence: 4002 })
  })
})

describe('what is stated again', () => {
  test('by a colleague is taken once their key is trusted', async () => {
    const { write, run, json } = await server.createPublisher()
    await write(files)
    await json(`${release} 1.0.0`)
    const { publicKey } = await json<{ publicKey: string }>('keys generate --key colleague.pem')
    await json('keys add --key colleague.pem --name Kim --yes')
    await json(`${release} 1.1.0 --key colleague.pem`)
    const back = 'rollback --platform android --yes --version'
    const refused = await run(`${back} 1.0.0 --key colleague.pem`)
    expect(refused).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(/no key that you trust signed/) })
    const advised = await run(`${back} 1.1.0`)
    expect(advised.stderr).toContain(`The server says that "Kim" did`)
    expect(advised.stderr).toContain(`hotpatch trust key ${publicKey} --app app-`)
    await json('trust', 'key', publicKey, '--yes')
    expect(await json(`${back} 1.1.0`)).toMatchObject({ sequence: 3 })
    await json('trust', 'forget', publicKey)
    expect((await run(`${back} 1.1.0`)).exitCode).toBe(1)
  })

  test('was signed before, or its bytes lie here', async () => {
    const { write, run, json } = await server.createPublisher()
    await write(files)
    const old = await json<PublishedArchive>(`${release} 1.0.0 --no-sign --min-native 2.1`)
    await json(`${release} 1.1.0`)
    const back = 'rollback --platform android --version 1.0.0 --yes'
    expect(await run(back)).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/was published without a statement.*--bundle/),
    })
    const bytes = Buffer.from(await (await fetch(old.content.downloadUrl)).arrayBuffer())
    await write({ 'bundle.zip': bytes, 'other.zip': Buffer.from('other') })
    expect(await run(`${back} --bundle other.zip --min-native 2.1`)).toMatchObject({ exitCode: 1 })
    expect(await run(`${back} --bundle bundle.zip`)).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('requirement/minNativeVersion: expected "2.1"'),
    })
    expect(await json(`${back} --bundle bundle.zip --min-native 2.1`)).toMatchObject({ sequence: 3 })
  })

  test('is not what a later release barred, unless the user says so', async () => {
    const { write, run, json } = await server.createPublisher()
    await write(files)
    await json(`${release} 1.0.0`)
    await json(`${release} 1.1.0 --floor 2`)
    const back = 'rollback --platform android --version 1.0.0 --yes'
    expect(await run(back)).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('set the floor 2') })
    expect(await json(`${back} --below-floor`)).toMatchObject({ sequence: 3 })
  })
})

describe('a key', () => {
  test('comes from the environment or from standard input, and is never printed', async () => {
    const { write, run, json, home, env, app } = await server.createPublisher()
    await write(files)
    const pem = await readFile(join(home, '.rn-ota', 'signing_key.pem'), 'utf8')
    const fresh = { HOME: await mkdtemp(join(home, 'fresh-')) }
    const secret = pem.split('\n')[1] ?? ''
    const runs = [
      await run(`${release} 1.0.0`, { env: { ...env, ...fresh, HOTPATCH_SIGNING_KEY: pem.replaceAll('\n', '\\n') } }),
      await run(`${release} 1.0.1 --key -`, { env: { ...env, ...fresh }, input: pem }),
    ]
    for (const { exitCode, stdout, stderr } of runs) {
      expect([exitCode, stderr]).toEqual([
        0,
        expect.stringMatching(/with the key \w+ \((HOTPATCH_SIGNING_KEY|standard input)\)/),
      ])
      expect(stdout + stderr).not.toContain(secret)
    }
    const { items } = await json<Page<Release>>('releases list')
    const stated = items.map(({ statement }) => readReleaseStatement(Buffer.from(statement ?? '', 'base64').toString()))
    expect(stated.map(({ appId, sequence }) => [appId, sequence])).toEqual([
      [app.id, 2],
      [app.id, 1],
    ])
    const broken = await run(`${release} 1.0.2`, { env: { ...env, HOTPATCH_SIGNING_KEY: `${secret} garbage` } })
    expect(broken.stderr).toContain('HOTPATCH_SIGNING_KEY: expected an Ed25519 private key')
    expect(broken.stderr).not.toContain(secret)
  })

  test('is not written into the working folder because HOME says nothing', async () => {
    const { run, cwd, env } = await server.createPublisher({ key: false })
    const made = await run('keys show', { env: { ...env, HOME: '' } })
    await expect(access(join(cwd, '.rn-ota'))).rejects.toThrow(/ENOENT/)
    expect(made.stderr).not.toContain(`at .rn-ota`)
    const relative = await run('keys generate', { env: { ...env, HOME: 'here' } })
    expect(relative).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('expected an absolute path') })
  })
})

test('a token goes to no address that only a project file names, until the user has accepted it', async () => {
  const heard: unknown[] = []
  const stranger = createServer((request, response) => {
    heard.push(request.headers.authorization)
    response.writeHead(404).end()
  })
  await new Promise<void>((resolve) => {
    stranger.listen(0, '127.0.0.1', resolve)
  })
  onTestFinished(() => void stranger.close())
  const url = `http://127.0.0.1:${(stranger.address() as AddressInfo).port}`
  const { run, json, write, env } = await server.createPublisher()
  await write({ 'hotpatch.json': JSON.stringify({ url }) })
  const { HOTPATCH_URL: _, ...withoutUrl } = env as Record<string, string>
  for (const command of ['whoami', 'doctor', 'apps list']) {
    const refused = await run(command, { env: withoutUrl })
    expect([refused.exitCode, refused.stdout + refused.stderr]).toEqual([
      1,
      expect.stringContaining(`is not sent to ${url}`),
    ])
  }
  expect(heard).toEqual([])
  await json('trust', 'server', url)
  await run('whoami', { env: withoutUrl })
  expect(heard).toHaveLength(1)
})
