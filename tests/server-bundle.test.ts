import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { eventually, startServerProcess, temporaryDirectory } from '@hotpatch/testkit'
import { expect, onTestFinished, test } from 'vitest'

const run = promisify(execFile)
const ENTRY = fileURLToPath(new URL('../scripts/entry.mjs', import.meta.url))

/** What is started, as npm start finds it out. */
async function entryOf(...checkout: string[]) {
  const { stdout, stderr } = await run(process.execPath, [ENTRY, 'server', ...checkout])
  return { main: stdout.trim(), said: stderr }
}

/** A checkout with a server of three files, one of them a thread's. */
async function aCheckout() {
  const root = await temporaryDirectory()
  const put = async (path: string, text: string) => {
    const file = join(root, 'packages/server/src', path)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, text)
  }
  await put('word.ts', "export const WORD: string = 'one'\n")
  await put(
    'deep/echo-worker.ts',
    "import { parentPort } from 'node:worker_threads'\nparentPort?.postMessage('thread')\n",
  )
  await put(
    'main.ts',
    [
      "import { Worker } from 'node:worker_threads'",
      "import { WORD } from './word.ts'",
      "const path = import.meta.url.endsWith('.ts') ? './deep/echo-worker.ts' : './echo-worker.js'",
      'const thread = new Worker(new URL(path, import.meta.url))',
      "thread.on('message', (said: string) => console.log(`${WORD} ${said}`))",
    ].join('\n'),
  )
  const start = async () => (await run(process.execPath, [(await entryOf(root)).main])).stdout.trim()
  return { root, put, start }
}

test('a bundle is made once, and does what its sources do, with its threads', async () => {
  const { root, start } = await aCheckout()
  const { main } = await entryOf(root)
  expect(main).toContain('bundles')
  expect(await entryOf(root)).toEqual({ main, said: '' })
  expect(await start()).toBe('one thread')
})

test('on a Node that is too old, a bundle says which it needs', async () => {
  const { root } = await aCheckout()
  const { main } = await entryOf(root)
  const old = "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.20.2' } })"
  const started = run(process.execPath, ['--import', `data:text/javascript,${encodeURIComponent(old)}`, main])
  await expect(started).rejects.toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(/^hotpatch-server: needs Node 22\.19 or newer, found 20\.20\.2 at \S+node\. .*\n$/),
  })
})

test('a source that changed is never left out of a start', async () => {
  const { root, put, start } = await aCheckout()
  const { main } = await entryOf(root)
  // As long as before.
  await put('word.ts', "export const WORD: string = 'two'\n")
  expect((await entryOf(root)).main).not.toBe(main)
  expect(await start()).toBe('two thread')
  // The server that runs may still start its threads.
  expect((await run(process.execPath, [main])).stdout.trim()).toBe('one thread')
})

test('a bundle stays for as long as a server runs from it, however often another is made', async () => {
  const { root, put } = await aCheckout()
  await put('main.ts', "process.stdin.resume().once('end', () => process.exit())\n")
  const { main } = await entryOf(root)
  const server = spawn(process.execPath, [main], { stdio: ['pipe', 'ignore', 'inherit'] })
  const hasEnded = once(server, 'exit')
  onTestFinished(() => void server.kill('SIGKILL'))
  await eventually(() => access(join(dirname(main), `used-by-${server.pid}`)))
  const makeAnother = async (word: string) => {
    await put('word.ts', `export const WORD: string = '${word}'\n`)
    await put('main.ts', `import { WORD } from './word.ts'\nconsole.log(WORD)\n`)
    return (await entryOf(root)).main
  }
  for (const word of ['two', 'three', 'four', 'five']) await makeAnother(word)
  await access(main)
  server.stdin.end()
  await hasEnded
  for (const word of ['six', 'seven', 'eight', 'nine']) await makeAnother(word)
  await expect(access(main)).rejects.toMatchObject({ code: 'ENOENT' })
})

test('what cannot be bundled starts from its sources, which say what is wrong with them', async () => {
  const { root, put } = await aCheckout()
  await entryOf(root)
  await put('word.ts', 'export const WORD = ;\n')
  const { main, said } = await entryOf(root)
  expect(main).toBe(join(root, 'packages/server/src/main.ts'))
  expect(said).toContain('the server starts from its sources, which takes longer')
})

test('a bundle that was lost in part is made again', async () => {
  const { root, start } = await aCheckout()
  await rm((await entryOf(root)).main)
  expect(await start()).toBe('one thread')
})

test('the server starts from its bundle, and loads from elsewhere what it left out', async () => {
  const { main, said } = await entryOf()
  expect([said, main.includes('bundles')]).toEqual(['', true])
  const server = await startServerProcess({ directory: await temporaryDirectory(), main })
  const answers = ['/readyz', '/manage/v1/openapi.json', '/manage/v1/reference/static/swagger-ui.css'].map(
    async (path) => (await fetch(server.url + path)).status,
  )
  expect(await Promise.all(answers)).toEqual([200, 200, 200])
  expect(await server.stop()).toBe(0)
})
