import type { Config } from '../../configuration/config.ts'

/** What is done where the data is, by whoever runs the server, with the server's own configuration. */
export interface OperatorCommand {
  /** How it is called, below the name of the program. */
  usage: string
  /** Returns the exit code. */
  run(args: readonly string[], context: OperatorContext): Promise<number>
}

export interface OperatorContext {
  config: Config
  now: () => Date
  /** One line of the result. */
  print(line: string): void
  /** One line of what is wrong with it. */
  warn(line: string): void
}

/** It cannot be done, for a reason that an operator can mend. */
export class OperatorError extends Error {
  override name = 'OperatorError'
}
