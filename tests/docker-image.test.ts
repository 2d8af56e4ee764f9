import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chown, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { App } from '@hotpatch/api'
import { eventually, runCliProcess, temporaryDirectory } from '@hotpatch/testkit'
import { validate } from 'dockerfile-utils'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { buildImage, type BuiltImage } from './docker/build-image.ts'
import { readIgnored } from './docker/copy-context.ts'
import { readDockerfile } from './docker/read-dockerfile.ts'
import { runInRoot, startInRoot } from './docker/run-in-root.ts'
import { freePort } from '@hotpatch/testkit/free-port'

const CHECKOUT = fileURLToPath(new URL('..', import.meta.url))
const DOCKERFILE = join(CHECKOUT, 'deploy/docker/Dockerfile')

test('the linter of Dockerfiles finds nothing', async () => {
  expect(validate(await readFile(DOCKERFILE, 'utf8'))).toEqual([])
})

test('an instruction that cannot be carried out is refused, and so is a flag', () => {
  const after = (line: string) => () => readDockerfile(`FROM node:24-trixie-slim\n${line}\n`)
  expect(after('ONBUILD RUN true')).toThrow('line 2, ONBUILD: this instruction is not known')
  expect(after('RUN --network=host true')).toThrow('unknown flags network')
  expect(after('COPY --chown=1:1 a b')).toThrow('unknown flags chown')
  expect(after('HEALTHCHECK CMD curl localhost')).toThrow('expected ["program", "argument"]')
})

test('what is not a source stays out of the image', async () => {
  const isIgnored = await readIgnored(CHECKOUT)
  const left = ['.git/config', '.env', 'data/secrets-key', 'packages/server/node_modules/x/index.js', 'docs/README.md']
  expect(left.filter((path) => !isIgnored(path))).toEqual([])
  const taken = [
    'package-lock.json',
    'packages/server/src/main.ts',
    'scripts/assemble-server.mjs',
    'deploy/docker/healthy.mjs',
  ]
  expect(taken.filter(isIgnored)).toEqual([])
})

describe.skipIf(process.env.HOTPATCH_IMAGE_READY !== '1')('the image, carried out line by line', () => {
  let folder: string
  let image: BuiltImage
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hotpatch-image-'))
    const npmCache = process.env.npm_config_cache ?? join(homedir(), '.npm')
    await mkdir(npmCache, { recursive: true })
    image = await buildImage({
      dockerfile: DOCKERFILE,
      context: CHECKOUT,
      folder,
      node: process.execPath,
      caches: { '/root/.npm': npmCache },
    })
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  /** A volume is made with the owner that its place has in the image. */
  async function aVolume(): Promise<string> {
    const volume = await temporaryDirectory()
    const { uid, gid } = await stat(join(image.root, '/data'))
    await chown(volume, uid, gid)
    return volume
  }

  async function aContainer(
    volume: string,
    { command = image.entrypoint, workdir = image.workdir, env = image.env, user = image.user, place = '/data' } = {},
  ) {
    const port = await freePort()
    const call = {
      root: image.root,
      workdir,
      user,
      env: { ...env, PORT: String(port), HOTPATCH_HOST: '127.0.0.1' },
      binds: { [place]: volume },
      isLocked: true,
    }
    const child = startInRoot({ ...call, command })
    onTestFinished(() => void child.kill('SIGKILL'))
    const lines: string[] = []
    for (const input of [child.stdout, child.stderr]) createInterface({ input }).on('line', (line) => lines.push(line))
    const url = `http://127.0.0.1:${port}`
    await eventually(async () => {
      if (child.exitCode !== null) throw new Error(lines.join('\n'))
      expect((await fetch(`${url}/readyz`)).status).toBe(200)
    })
    return {
      url,
      lines,
      /** With nothing but what the container has. */
      run: (...command: string[]) => runInRoot({ ...call, command }),
      async stop() {
        process.kill(await childOf(child), image.stopSignal)
        const [code] = (await once(child, 'exit')) as [number | null]
        return code
      },
    }
  }

  test('is for a user without a name, with one place that can be written', async () => {
    expect(image).toMatchObject({ user: '10001:10001', volumes: ['/data'], ports: ['8080'], workdir: '/app' })
    const { mode, uid, gid } = await stat(join(image.root, 'data'))
    expect([mode & 0o777, uid, gid]).toEqual([0o700, 10001, 10001])
    const container = await aContainer(await aVolume())
    expect((await container.run('id', '-u')).trim()).toBe('10001')
    await expect(container.run('touch', '/app/planted')).rejects.toThrow('Read-only file system')
    await expect(container.run('touch', '/tmp/planted')).rejects.toThrow('Read-only file system')
    await container.run('touch', '/data/written')
    expect(await container.stop()).toBe(0)
  })

  test('has what the unit of systemd starts, as a user that systemd would make, without any right', async () => {
    const unit = await readFile(join(CHECKOUT, 'deploy/systemd/hotpatch.service'), 'utf8')
    const valueOf = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(unit)?.[1] ?? ''
    const env = Object.fromEntries(
      valueOf('Environment')
        .split(' ')
        .map((each) => each.split('=')),
    )
    // Where an operator lays it (docs/guides/production.md).
    await mkdir(join(image.root, 'var/lib/hotpatch'), { recursive: true })
    await symlink('/app', join(image.root, 'opt/hotpatch'))
    await symlink('/usr/local/bin/node', join(image.root, 'usr/bin/node'))
    const data = await temporaryDirectory()
    await chown(data, 61184, 61184)
    const container = await aContainer(data, {
      command: valueOf('ExecStart').split(' '),
      workdir: valueOf('WorkingDirectory'),
      env,
      user: '61184:61184',
      place: env.HOTPATCH_DATA,
    })
    expect(await container.stop()).toBe(0)
    expect((await stat(join(data, 'hotpatch.db'))).uid).toBe(61184)
  })

  test('serves: published by the tool, downloaded by a device, backed up, stopped by a signal, and started again', async () => {
    const volume = await aVolume()
    const container = await aContainer(volume)
    await container.run(...image.healthcheck)
    const token = (await readFile(join(volume, 'owner-token'), 'utf8')).trim()
    const home = await temporaryDirectory()
    await mkdir(join(home, 'dist'))
    await writeFile(join(home, 'dist/index.android.bundle'), 'var version = 1')
    const hotpatch = async (line: string) => {
      const env = { HOME: home, HOTPATCH_URL: container.url, HOTPATCH_TOKEN: token }
      const { code, stdout, stderr } = await runCliProcess([...line.split(' '), '--json'], { cwd: home, env })
      expect([code, stderr]).toEqual([0, expect.anything()])
      return JSON.parse(stdout) as unknown
    }
    const app = (await hotpatch('apps create shop --platforms android --yes')) as App
    await hotpatch('keys generate')
    await hotpatch('release --app shop --platform android --bundle-dir dist --version 1.0.0 --yes')
    const download = async (url: string) => {
      const query = 'deviceId=phone-1&platform=android&version=0'
      const checked = await fetch(`${url}/update/check?${query}`, { headers: { 'x-app-key': app.appKey ?? '' } })
      const { bundleUrl, checksum } = (await checked.json()) as { bundleUrl: string; checksum?: string }
      const answer = await fetch(bundleUrl)
      expect(answer.status).toBe(200)
      return [checksum, Buffer.from(await answer.arrayBuffer())]
    }
    const downloaded = await download(container.url)
    // The pages and what is loaded when somebody asks: argon2 for passwords, the reference page.
    const pages = ['/dashboard/', '/manage/v1/reference/static/swagger-ui.css', '/healthz']
    const statuses = await Promise.all(pages.map(async (path) => (await fetch(container.url + path)).status))
    expect(statuses).toEqual([200, 200, 200])
    await container.run(
      'node',
      '--input-type=module',
      '--eval',
      "await (await import('/app/node_modules/@node-rs/argon2/index.js')).default.hash('x')",
    )
    expect(await container.run('hotpatch-server', 'backup', '--to', '/data/backup')).toMatch(/\d+ artifacts/)
    expect(container.lines.filter((line) => !line.startsWith('{'))).toEqual([])
    expect(await container.stop()).toBe(0)
    await expect(container.run(...image.healthcheck)).rejects.toThrow('The server does not answer')

    const again = await aContainer(volume)
    expect((await download(again.url))[0]).toEqual(downloaded[0])
    expect(await again.stop()).toBe(0)
  })
})

/** The first process of the container, as the machine around it numbers it. */
async function childOf({ pid }: ChildProcess): Promise<number> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')
  return Number(children.trim().split(' ')[0])
}
