import type { Command } from 'commander'
import { completeContext, type CliContext, type GivenContext } from './process/context.ts'
import { describeError, type DescribedError } from './errors/describe-error.ts'
import { Verdict } from './errors/errors.ts'
import { processContext } from './process/env.ts'
import { printable } from './output/text.ts'
import { createProgram } from './program.ts'

/** The process: everything below works on a context that tests can make, too. */
export async function main(): Promise<void> {
  // Somebody reads the first lines only, as in `hotpatch releases list | head -1`.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })
  process.exitCode = await runCli(process.argv.slice(2), processContext())
}

/** Runs one command. The exit code: 0 done, 1 failed, 2 wrong usage, and others that a command's own help names. */
export async function runCli(argv: readonly string[], given: GivenContext): Promise<number> {
  const context = completeContext(given)
  const program = createProgram(context)
  try {
    await program.parseAsync(argv, { from: 'user' })
    return 0
  } catch (error) {
    if (error instanceof Verdict) return error.exitCode
    const described: DescribedError = context.signal.aborted
      ? { exitCode: 1, type: 'interrupted', message: 'Interrupted.' }
      : describeError(error, context.programName, commandOf(program, argv))
    if (described.exitCode !== 0) printError(context, described, argv.includes('--json'))
    if (described.exitCode !== 0 && context.env.HOTPATCH_DEBUG === '1') context.stderr.write(`${stackOf(error)}\n`)
    return described.exitCode
  }
}

/** As it was called, as far as there is one of that name: whose help to look at. */
function commandOf(program: Command, argv: readonly string[]): string {
  const called = [program.name()]
  let command = program
  for (const word of argv) {
    const next = command.commands.find((each) => each.name() === word || each.aliases().includes(word))
    if (!next) break
    called.push(word)
    command = next
  }
  return called.join(' ')
}

function printError({ stderr, programName }: CliContext, described: DescribedError, isJson: boolean) {
  const { type, message, hint, details } = described
  if (isJson) stderr.write(`${JSON.stringify({ error: { ...details, type, message, hint } })}\n`)
  else stderr.write(`${printable([`${programName}: ${message}`, hint].filter(Boolean).join('\n'))}\n`)
}

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return [error.stack ?? error.message, ...(error.cause ? [`Caused by: ${stackOf(error.cause)}`] : [])].join('\n')
}
