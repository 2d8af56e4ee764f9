import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { systemClock } from '@hotpatch/client/node'
import { eventually, temporaryDirectory } from '@hotpatch/testkit'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createNodeDisk } from '../../ground/node-disk.ts'
import { createNodeHooks } from '../../hooks/node-hooks.ts'
import { workOn } from '../testing/component-suite.ts'
import { templateAdapter } from './template-adapter.ts'

const NGINX = process.env.NGINX_PATH

const template = (
  answer: string,
  more = '',
) => `daemon off; pid \${HOTPATCH_KIT_ROOT}/pid; error_log stderr notice; events {}
http { access_log off; ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path \${HOTPATCH_KIT_ROOT}/${kind};`).join(' ')} ${more}
  server { listen 127.0.0.1:\${PORT}; return 200 "${answer} \${SITE} \${host}"; } }
`

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

describe.skipIf(!NGINX)('a real nginx', () => {
  const program = NGINX ?? ''

  async function edge() {
    const disk = createNodeDisk(await temporaryDirectory())
    const port = await freePort()
    const root = disk.locate('')
    const hook = (...run: [string, ...string[]]) => ({ run, timeoutMs: 60_000 })
    const file = disk.locate('edge/nginx.conf')
    const work = async (text: string) => {
      const found = workOn(
        {
          adapter: templateAdapter,
          place: {
            path: 'edge/nginx.conf',
            validate: hook(program, '-t', '-p', '${HOTPATCH_KIT_ROOT}', '-c', '${HOTPATCH_KIT_FILE}'),
            reload: hook(program, '-p', '${HOTPATCH_KIT_ROOT}', '-c', '${HOTPATCH_KIT_PLACE}', '-s', 'reload'),
          },
          installation: { variables: { SITE: 'home.example.com', PORT: String(port) } },
          artifact: { format: 'raw', bytes: Buffer.from(text) },
          before: {},
          expectNew: () => undefined,
          hooks: () => createNodeHooks({ directory: root, environment: {}, clock: systemClock() }),
        },
        disk,
      )
      await disk.makeDirectory('.kit/artifacts')
      await disk.write(found.artifactPath ?? '', Buffer.from(text))
      await disk.remove('.kit/transactions')
      return found
    }
    async function start() {
      await mkdir(disk.locate('logs'), { recursive: true })
      const nginx = spawn(program, ['-p', root, '-c', file], { stdio: 'ignore' })
      onTestFinished(async () => {
        nginx.kill('SIGTERM')
        if (nginx.exitCode === null) await once(nginx, 'exit')
      })
    }
    const answers = (text: string) =>
      eventually(async () => expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe(text))
    return { disk, work, start, answers, file }
  }

  test('takes new settings without a stop, goes back, and never sees what its own check refuses', async () => {
    const { work, start, answers, file, disk } = await edge()
    const first = await work(template('one'))
    await templateAdapter.prepare(first)
    await disk.makeDirectory('edge')
    await disk.rename(`${first.workPath}/new/nginx.conf`, 'edge/nginx.conf')
    await start()
    await answers('one home.example.com 127.0.0.1')
    const old = await readFile(file, 'utf8')

    const second = await work(template('two'))
    await templateAdapter.prepare(second)
    await answers('one home.example.com 127.0.0.1')
    await templateAdapter.apply(second)
    await answers('two home.example.com 127.0.0.1')
    await templateAdapter.revert(second)
    await answers('one home.example.com 127.0.0.1')
    expect(await readFile(file, 'utf8')).toBe(old)

    const broken = await work(template('three', 'no_such_directive on;'))
    await expect(templateAdapter.prepare(broken)).rejects.toMatchObject({
      code: 'template-invalid',
      message: expect.stringContaining('no_such_directive'),
    })
    await templateAdapter.revert(broken)
    expect(await readFile(file, 'utf8')).toBe(old)
  })
})
