import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import vectors from '../../../../vectors/kit/checks.json' with { type: 'json' }

/** The examples of the README, as somebody copies them. */
const README = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
const EXAMPLES = [...README.matchAll(/```js\n([\s\S]*?)```/g)].map(([, code = '']) => code)
const [NODE = '', FASTIFY = '', PAGE = '', REACT = ''] = EXAMPLES
const MODULES = fileURLToPath(new URL('../../../../node_modules', import.meta.url))

let root: string
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'kit-readme-'))
  await symlink(MODULES, join(root, 'node_modules'))
  const kit = { publicKeys: [vectors.publicKey], components: { gateway: { path: 'gateway' }, web: { path: 'web' } } }
  await writeFile(join(root, 'kit.json'), JSON.stringify(kit))
  await writeFile(join(root, 'substratum-kit-release.json'), vectors.installed)
})
afterAll(() => rm(root, { recursive: true, force: true }))

test('there are as many as are tried here', () => expect(EXAMPLES).toHaveLength(4))

test.each([
  ['on Node', NODE],
  ['with Fastify', FASTIFY],
])('a gateway %s says how the kit is', async (name, code) => {
  const file = join(root, `${name.replaceAll(' ', '-')}.mjs`)
  await writeFile(file, code)
  const env = { PATH: process.env.PATH, KIT_ROOT: root, PORT: '0' }
  const child = spawn(process.execPath, ['--no-warnings', file], { stdio: ['ignore', 'pipe', 'inherit'], env })
  onTestFinished(() => void child.kill('SIGKILL'))
  let printed = ''
  while (!/port \d+/.test(printed)) printed += String((await once(child.stdout, 'data'))[0])
  const port = /port (\d+)/.exec(printed)?.[1] ?? ''
  const answer = await fetch(`http://localhost:${port}/api/v1/system/kit-status`)
  expect(await answer.json()).toMatchObject({ release_id: '2026.05.01', channel: 'stable', update_available: false })
})

test.each([
  ['a page', PAGE],
  ['React', REACT],
])('the example for %s finds all that it imports, and nothing of Node', async (name, code) => {
  const input = join(root, `${name.replace(' ', '-')}.js`)
  await writeFile(input, code)
  const warnings: string[] = []
  const onLog = (_level: string, { message }: { message: string }) => void warnings.push(message)
  const bundle = await rolldown({ input, platform: 'browser', onLog })
  const { output } = await bundle.generate({ format: 'esm' })
  await bundle.close()
  expect(warnings).toEqual([])
  expect(output[0].code).toContain('hotpatch-kit-banner')
  expect(output[0].code).not.toMatch(/["']node:/)
})
