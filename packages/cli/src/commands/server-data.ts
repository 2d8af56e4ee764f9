import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Command } from 'commander'
import { CommandError, systemReason, Verdict } from '../errors/errors.ts'
import type { CliContext } from '../process/context.ts'

const PROGRAM = 'hotpatch-server'

/** What works on the data folder and the database themselves: the server's own program does it, with its configuration. */
const COMMANDS = {
  backup: 'copies database, artifacts and secrets of the server that runs on this machine',
  restore: 'puts a backup into an empty data folder',
  storage: 'copies, checks or prunes the artifacts of the server',
  migrate: 'brings the database up to date before servers start on it',
} as const

export function addServerDataCommands(program: Command, context: CliContext) {
  for (const [name, description] of Object.entries(COMMANDS)) {
    program
      .command(name)
      .description(`${description} (by ${PROGRAM})`)
      .argument('[options...]', `of ${PROGRAM}, which "${PROGRAM} ${name} --help" lists`)
      // They are the other program's, and so is what it says of them.
      .allowUnknownOption()
      .passThroughOptions()
      .helpOption(false)
      .action((args: string[]) => runServerProgram([name, ...args], context))
  }
}

/** It has this one's output, environment and exit code. */
async function runServerProgram(args: readonly string[], { cwd, env, stdout, stderr, signal }: CliContext) {
  const child = spawn(PROGRAM, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
  // Not a kill: what is half done is taken back.
  const interrupt = () => void child.kill('SIGTERM')
  signal.addEventListener('abort', interrupt)
  child.stdout.pipe(stdout, { end: false })
  child.stderr.pipe(stderr, { end: false })
  try {
    const [code] = (await once(child, 'close')) as [number | null]
    if (code !== 0) throw new Verdict(code ?? 1)
  } catch (error) {
    if (error instanceof Verdict) throw error
    throw new CommandError(
      'server-missing',
      `${PROGRAM} could not be started: ${systemReason(error)}. Run this on the machine of the server, where ${PROGRAM} is ` +
        'on PATH; in a clone of the repository "npx hotpatch" finds it.',
      { cause: error },
    )
  } finally {
    signal.removeEventListener('abort', interrupt)
  }
}
