import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createVirtualClock } from '@hotpatch/client/memory'
import { systemClock } from '@hotpatch/client/node'
import { eventually, temporaryDirectory } from '@hotpatch/testkit'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { nodeProcess } from '../applying/node-process.ts'
import { HOOKS_FOLDER } from '../ground/kit-layout.ts'
import { createNodeDisk } from '../ground/node-disk.ts'
import { createHookNotes } from './hook-notes.ts'
import { createNodeHooks } from './node-hooks.ts'

const NODE = process.execPath
const MINUTE = 60_000

async function hooksIn(more: Partial<Parameters<typeof createNodeHooks>[0]> = {}) {
  const directory = await temporaryDirectory()
  const environment = { PATH: process.env.PATH, INHERITED: 'yes' }
  const notes = notesIn(directory)
  return { directory, hooks: createNodeHooks({ directory, environment, clock: systemClock(), notes, ...more }) }
}

function notesIn(root: string) {
  return createHookNotes({ disk: createNodeDisk(root), clock: systemClock(), process: nodeProcess() })
}

const script = (text: string, ...parameters: string[]) => ({
  run: [NODE, '-e', text, ...parameters] as [string, ...string[]],
  timeoutMs: MINUTE,
})

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

test('no shell reads its arguments, and it runs in the root with what happens in its environment', async () => {
  const { hooks, directory } = await hooksIn()
  const hook = script(
    'console.log(JSON.stringify([process.argv[1], process.cwd(), process.env.INHERITED, process.env.HOTPATCH_KIT_VERSION]))',
    '$HOME; echo `id` > out',
  )
  const { exitCode, output } = await hooks.run(hook, { HOTPATCH_KIT_VERSION: '2.0.0' })
  expect(exitCode).toBe(0)
  expect(JSON.parse(output)).toEqual(['$HOME; echo `id` > out', directory, 'yes', '2.0.0'])
})

test('what is for the tool alone stays with it: hooks are the code of others', async () => {
  const secrets = {
    HOTPATCH_TOKEN: 'secret',
    HOTPATCH_SIGNING_KEY: 'secret',
    HOTPATCH_MINISIGN_PASSWORD: 'secret',
    HOTPATCH_EXPO_PRIVATE_KEY: 'secret',
    HOTPATCH_SOURCE_TOKEN: 'secret',
  }
  const environment = { ...secrets, PATH: process.env.PATH, HOTPATCH_KIT_COORDINATOR: 'told', GATEWAY_TOKEN: 'theirs' }
  const { hooks } = await hooksIn({ environment })
  const { output } = await hooks.run(script('console.log(Object.keys(process.env).join())'), {})
  const names = output.split(',')
  expect(names).toEqual(expect.arrayContaining(['PATH', 'HOTPATCH_KIT_COORDINATOR', 'GATEWAY_TOKEN']))
  expect(names.filter((name) => name in secrets)).toEqual([])
})

test.each([
  ['that fails', 'process.exit(3)', 3],
  ['that is ended from outside', 'process.kill(process.pid, "SIGKILL")', undefined],
])('a program %s', async (_, text, exitCode) => {
  const { hooks } = await hooksIn()
  expect((await hooks.run(script(text), {})).exitCode).toBe(exitCode)
})

describe.each([
  ['noted', {}],
  ['not noted', { notes: undefined }],
])('%s: a program', (_, more) => {
  test.each([
    ['that is not there', './no-such-program'],
    ['that cannot be executed', './text'],
    ['whose interpreter is not there', './script'],
  ])('%s', async (__, program) => {
    const { hooks, directory } = await hooksIn(more)
    await writeFile(join(directory, 'text'), 'text')
    await writeFile(join(directory, 'script'), '#!/no/such/interpreter\n', { mode: 0o755 })
    const run = hooks.run({ run: [program], timeoutMs: MINUTE }, {})
    await expect(run).rejects.toMatchObject({
      code: 'hook-failed',
      message: expect.stringContaining(`Expected ${program} to be started`),
    })
  })

  test('that ends with what a shell says of one that is not there', async () => {
    const { hooks } = await hooksIn(more)
    const found = await hooks.run(script('console.error("hook: not found"); process.exitCode = 127'), {})
    expect(found).toEqual({ exitCode: 127, output: 'hook: not found' })
  })
})

test('the last 4 KiB of what it prints are kept, and nothing of that moves the cursor', async () => {
  const { hooks } = await hooksIn()
  const text = 'process.stdout.write("x".repeat(3e6) + " the end"); process.stderr.write("y".repeat(500))'
  const { output } = await hooks.run(script(text), {})
  expect(output).toMatch(/^x+ the end\ny{500}$/)
  expect(output).toHaveLength(4096 + 1)
  const { output: shown } = await hooks.run(script('console.error("a\\x1b[2Jb\\u202ec\\r\\nthe end")'), {})
  expect(shown).toBe('a\\u001b[2Jb\\u202ec\nthe end')
})

test('one that takes too long is ended with whatever it has started, even if it does not want to', async () => {
  const { directory } = await hooksIn()
  const child = `require('node:fs').writeFileSync('child', String(process.pid)); process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)`
  const parent = `require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(child)}], { stdio: 'inherit' });
    process.on('SIGTERM', () => {}); console.log('begun'); setInterval(() => {}, 1000)`
  // Runs out when its child has said that it is there, and the grace when it was asked to end.
  async function whenItsChildIsThere(run: () => void) {
    await eventually(async () => expect(Number(await readFile(join(directory, 'child'), 'utf8'))).toBeGreaterThan(0))
    run()
  }
  const clock = {
    after(_ms: number, run: () => void) {
      let isCancelled = false
      void whenItsChildIsThere(() => (isCancelled ? undefined : run()))
      return () => {
        isCancelled = true
      }
    },
  }
  const impatient = createNodeHooks({ directory, environment: {}, clock, notes: notesIn(directory) })
  await expect(impatient.run(script(parent), {})).rejects.toMatchObject({
    code: 'hook-failed',
    message: expect.stringContaining('timeoutMs'),
  })
  const pid = Number(await readFile(join(directory, 'child'), 'utf8'))
  await eventually(() => expect(isAlive(pid)).toBe(false))
})

test('one that runs as somebody else, as by sudo, is neither ended nor waited for, and ends nothing here', async () => {
  const kill = vi.spyOn(process, 'kill').mockImplementation(() => {
    throw Object.assign(new Error('kill EPERM'), { code: 'EPERM' })
  })
  onTestFinished(() => kill.mockRestore())
  const { hooks, directory } = await hooksIn()
  const text = 'fs.writeFileSync("pid", String(process.pid)); setInterval(() => {}, 1000)'
  await expect(hooks.run({ ...script(text), timeoutMs: 3000 }, {})).rejects.toMatchObject({
    code: 'hook-failed',
    message: expect.stringContaining('which this user may not end'),
  })
  kill.mockRestore()
  expect(await readdir(join(directory, HOOKS_FOLDER))).toHaveLength(1)
  process.kill(Number(await readFile(join(directory, 'pid'), 'utf8')), 'SIGKILL')
})

test('one that leaves a service behind is over when it is over', async () => {
  const { hooks, directory } = await hooksIn()
  const service = `require('node:fs').writeFileSync('pid', String(process.pid)); setInterval(() => {}, 1000)`
  const starter = `require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(service)}], { stdio: 'inherit', detached: true }).unref()`
  expect((await hooks.run(script(starter), {})).exitCode).toBe(0)
  const pid = await eventually(async () => {
    const found = Number(await readFile(join(directory, 'pid'), 'utf8'))
    expect(found).toBeGreaterThan(0)
    return found
  })
  expect(isAlive(pid)).toBe(true)
  process.kill(pid, 'SIGKILL')
})

test('a clock that never comes does not keep it', async () => {
  const { hooks } = await hooksIn({ clock: createVirtualClock({ whenIdle: () => undefined }) })
  expect((await hooks.run(script(''), {})).exitCode).toBe(0)
})
