import { confirm, isCancel, password, select, text } from '@clack/prompts'
import type { CliContext } from '../process/context.ts'
import { CommandError, UsageError } from '../errors/errors.ts'

/** Asks on stderr, so that stdout stays the result; without a terminal it says which option is missing. */
export function createQuestions({ stdin, stderr, isTTY, signal }: CliContext) {
  const streams = { input: stdin, output: stderr, signal }

  function requireTerminal(what: string, option: string) {
    if (isTTY) return
    throw new UsageError(`${what}, and there is no terminal to ask on. Give ${option}.`)
  }

  return {
    requireTerminal,

    /** A return key that was pressed too often changes nothing. */
    async confirm(message: string) {
      const answer = await confirm({ ...streams, message, initialValue: false })
      if (answer !== true) throw new CommandError('cancelled', 'Cancelled. Nothing was changed.')
    },

    /** As `confirm`, where no is an answer like yes. */
    async ask(message: string): Promise<boolean> {
      const answer = await confirm({ ...streams, message, initialValue: false })
      if (isCancel(answer)) throw new CommandError('cancelled', 'Cancelled. Nothing was changed.')
      return answer
    },

    /** The place of what was chosen. */
    async choose(message: string, from: readonly string[]): Promise<number> {
      const options = from.map((label, value) => ({ label, value }))
      const answer = await select({ ...streams, message, options })
      if (isCancel(answer)) throw new CommandError('cancelled', 'Cancelled. Nothing was changed.')
      return answer
    },

    async text(message: string, initialValue: string) {
      return answered(await text({ ...streams, message, initialValue }))
    },

    async secret(message: string) {
      return answered(await password({ ...streams, message }))
    },
  }
}

function answered(answer: string | undefined | symbol): string {
  if (isCancel(answer)) throw new CommandError('cancelled', 'Cancelled. Nothing was changed.')
  return typeof answer === 'string' ? answer.trim() : ''
}
