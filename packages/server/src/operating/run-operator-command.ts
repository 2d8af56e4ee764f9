import { readConfig } from '../configuration/config.ts'
import { readEnvironment } from '../configuration/env.ts'
import { describeStartError } from '../configuration/start-error.ts'
import { backup } from './backup/backup-command.ts'
import { restore } from './backup/restore-command.ts'
import { migrateDatabase } from './migrate-command.ts'
import { runStorageCommand } from './storage/run-storage-command.ts'
import { OperatorError, type OperatorCommand } from './command/operator-command.ts'
import { UsageError } from './command/usage-error.ts'

const storage: OperatorCommand = {
  usage:
    'storage copy | check | prune           artifacts from one place to another; whether all are there; what nobody needs',
  run: (args, { config, print }) => runStorageCommand(args, { config, print }),
}

export const OPERATOR_COMMANDS: Readonly<Record<string, OperatorCommand>> = {
  backup,
  restore,
  migrate: migrateDatabase,
  storage,
}

/** Returns the exit code: 0 done, 1 failed or not whole, 2 wrong usage. */
export async function runOperatorCommand(
  [name = '', ...args]: readonly string[],
  {
    env,
    print,
    warn,
  }: {
    /** Instead of the process's own. */
    env?: Readonly<Record<string, string | undefined>>
    print: (line: string) => void
    warn: (line: string) => void
  },
): Promise<number> {
  const command = Object.hasOwn(OPERATOR_COMMANDS, name) ? OPERATOR_COMMANDS[name] : undefined
  const asksForHelp = ['--help', '-h', 'help'].includes(name)
  if (asksForHelp || (command && args.some((word) => word === '--help' || word === '-h'))) {
    print(usageOf(command))
    return 0
  }
  if (!command) {
    warn(`There is no command "${name}".\n${usageOf()}`)
    return 2
  }
  try {
    const config = readConfig(readEnvironment(env))
    return await command.run(args, { config, now: () => new Date(), print, warn })
  } catch (error) {
    if (isWrongUsage(error)) {
      warn(`${error.message}\n${usageOf(command)}`)
      return 2
    }
    warn(error instanceof OperatorError ? error.message : describeStartError(error))
    return 1
  }
}

function usageOf(command?: OperatorCommand): string {
  const usages = command
    ? [command.usage]
    : ['(nothing) starts the server', ...Object.values(OPERATOR_COMMANDS).map(({ usage }) => usage)]
  return ['Usage:', ...usages.map((usage) => `  hotpatch-server ${usage}`)].join('\n')
}

/** Of ours, or of Node's own parser. */
function isWrongUsage(error: unknown): error is Error {
  if (error instanceof UsageError) return true
  return error instanceof TypeError && String((error as NodeJS.ErrnoException).code).startsWith('ERR_PARSE_ARGS')
}
