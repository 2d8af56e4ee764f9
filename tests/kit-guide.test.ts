import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runCliProcess, startServerProcess, temporaryDirectory } from '@hotpatch/testkit'
import { expect, onTestFinished, test } from 'vitest'
import { freePorts, programs, runNode, startServices } from '../demo/kit/shop.ts'

const CLONE = fileURLToPath(new URL('../', import.meta.url))
const hasNginx = process.env.NGINX_PATH !== undefined
/** Where the guide has something that is another on every machine. */
const SHOWN = {
  server: 'http://127.0.0.1:8080',
  appId: '0197f0c2-7f0a-7c3e-9a55-2b1d6f1e8a01',
  appKey: 'ak_…',
  publicKey: '11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=',
}
/** Of a check that finds something. */
const AVAILABLE = 3
/** Some thirty processes one after the other. */
const TOGETHER = { timeout: 1_800_000 }
/** They ask, which a test cannot answer. */
const ASKS = /^(?:kit (?:publish|apply|rollback)|rollback)\b(?!.*(?:--yes|--dry-run))/

/** Lines that a shell would run, those of an example that is continued as one. */
async function commandsOf(guide: string): Promise<string[]> {
  const text = await readFile(join(CLONE, 'docs', 'guides', guide), 'utf8')
  const blocks = [...text.matchAll(/^```sh\n(.*?)^```/gms)].map(([, code = '']) => code)
  return blocks.flatMap((code) =>
    code
      .replaceAll(/\\\n\s*/g, '')
      .trim()
      .split('\n'),
  )
}

test.skipIf(!hasNginx)('the guide to kits is followed, line by line', TOGETHER, async () => {
  const server = await startServerProcess({ directory: await temporaryDirectory() })
  onTestFinished(() => server.stop().then(() => undefined))
  const directory = await temporaryDirectory()
  const root = join(directory, 'shop')
  const env = { HOME: directory, HOTPATCH_URL: server.url, HOTPATCH_TOKEN: server.ownerToken, PATH: programs() }
  const known = { ...SHOWN, server: server.url }
  let cwd = CLONE
  const followed: string[] = []

  /** A line of the guide, with what is another here. */
  const own = (line: string) =>
    Object.entries(SHOWN)
      .reduce((text, [name, shown]) => text.replaceAll(shown, known[name as keyof typeof SHOWN]), line)
      .replaceAll('~/shop', root)
      .replaceAll('/media/stick', join(directory, 'stick'))
      .replaceAll(/--out stick\b/g, `--out ${join(directory, 'stick')}`)
      .replaceAll(/ examples\//g, ` ${join(CLONE, 'examples')}/`)

  async function runTool(line: string): Promise<void> {
    const words = line.split(' ')
    const isAsking = ASKS.test(line)
    const wantsJson = line.startsWith('apps create')
    const args = [...words, ...(isAsking ? ['--yes'] : []), ...(wantsJson ? ['--json'] : [])]
    const { code, stdout, stderr } = await runCliProcess(args, { cwd, env })
    expect(code, `hotpatch ${line}\n${stdout}${stderr}`).toBe(line === 'kit check' ? AVAILABLE : 0)
    if (wantsJson) {
      const made = JSON.parse(stdout) as { id: string; appKey: string }
      Object.assign(known, { appId: made.id, appKey: made.appKey })
    }
    if (line.startsWith('keys public')) known.publicKey = stdout.trim()
  }

  for (const line of await commandsOf('kits.md')) {
    const words = own(line).split(' ')
    const [program, ...args] = words
    if (line.startsWith('node examples/kit/install.mjs')) {
      await runNode([...args, '--port', String(await freePorts())])
    } else if (line === 'node tools/services.mjs &') {
      const services = await startServices(root)
      onTestFinished(() => services.stop())
    } else if (program === 'cd') cwd = args[0] ?? cwd
    else if (program === 'hotpatch') await runTool(args.join(' '))
    // The demo has tests of its own.
    else expect(line).toBe('npm run demo:kit')
    followed.push(line)
  }
  expect(followed).toContain('hotpatch kit apply')
  expect(followed).toContain('hotpatch kit rollback')
  const installed = JSON.parse(await readFile(join(root, 'substratum-kit-release.json'), 'utf8')) as object
  expect(installed).toMatchObject({ release_id: '1.0.0' })
})
