import type { Command } from 'commander'
import { readChannel } from '../arguments/readers.ts'
import { serverCommand, withApp, withSigning, withYes } from '../arguments/shared-options.ts'
import { UsageError } from '../errors/errors.ts'
import { importXprem, type ImportXpremOptions } from '../importing/import-xprem.ts'
import type { CliContext } from '../process/context.ts'

/** What other servers have kept. */
export function addImportCommands(program: Command, context: CliContext) {
  const imports = program.command('import').description('what another server has kept of an app')

  serverCommand(imports, 'xprem', 'publishes the updates that expo-open-ota kept', withApp, withSigning, withYes)
    .argument('<folder>', 'of one app: a copy of the bucket, or the local folder')
    .option('--branch <branch=channel>', 'where its updates go; the channel of its name when absent', readBranch)
    .option('--dry-run', 'show the plan and publish nothing')
    .action((folder: string, options: ImportXpremOptions) => importXprem(context, folder, options))
}

/** Given several times: one for each branch. */
function readBranch(text: string, before: ReadonlyMap<string, string> = new Map()): ReadonlyMap<string, string> {
  const [, branch, channel] = /^([^=]+)=(.+)$/.exec(text) ?? []
  if (branch === undefined || channel === undefined) {
    throw new UsageError(`--branch: expected branch=channel, such as main=production, found "${text}".`)
  }
  return new Map([...before, [branch, readChannel(channel)]])
}
