import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { PassThrough, Writable } from 'node:stream'
import { onTestFinished } from 'vitest'
import type { GivenContext } from '../process/context.ts'
import { runCli } from '../main.ts'

export type Tool = Awaited<ReturnType<typeof createTool>>

/** The command-line tool in this process, with a home and a working folder of its own. */
export async function createTool(env: Record<string, string> = {}) {
  const root = await mkdtemp(join(tmpdir(), 'hotpatch-cli-test-'))
  onTestFinished(() => rm(root, { recursive: true, force: true }))
  const home = join(root, 'home')
  const cwd = join(root, 'project')
  const binaries = join(root, 'bin')
  const temporary = join(root, 'tmp')
  for (const directory of [home, cwd, binaries, temporary]) await mkdir(directory)
  const ownEnv = { HOME: home, TMPDIR: temporary, PATH: [binaries, dirname(process.execPath)].join(delimiter), ...env }

  /** A command line in one text is split at its spaces. */
  async function run(line: string | readonly string[], given: Partial<GivenContext> & { input?: string } = {}) {
    const { input, ...context } = given
    const stdout = createCollector()
    const stderr = createCollector()
    const stdin = new PassThrough().end(input ?? '')
    const argv = typeof line === 'string' ? line.split(' ') : line
    const exitCode = await runCli(argv, { env: ownEnv, cwd, stdin, stdout, stderr, ...context })
    return { exitCode, stdout: stdout.text(), stderr: stderr.text() }
  }

  /** The one JSON value of a command that must succeed. `line` is split at its spaces, `more` is not. */
  async function json<T>(line: string, ...more: string[]): Promise<T> {
    const { exitCode, stdout, stderr } = await run([...line.split(' '), ...more, '--json'])
    if (exitCode !== 0) throw new Error(`${line} ended with ${exitCode}: ${stderr}`)
    return JSON.parse(stdout) as T
  }

  /** Writes files into the working folder, and says where. */
  async function write(files: Record<string, string | Buffer>) {
    for (const [name, content] of Object.entries(files)) {
      await mkdir(dirname(join(cwd, name)), { recursive: true })
      await writeFile(join(cwd, name), content)
    }
    return cwd
  }

  /** Puts a program of that name first on PATH. */
  async function installProgram(name: string, javaScript: string) {
    const path = join(binaries, name)
    await writeFile(path, `#!/usr/bin/env node\n${javaScript}`)
    await chmod(path, 0o755)
  }

  return { home, cwd, env: ownEnv, run, json, write, installProgram }
}

export function createCollector() {
  const chunks: Buffer[] = []
  const collector = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk)
      done()
    },
  })
  return Object.assign(collector, { text: () => Buffer.concat(chunks).toString('utf8') })
}
