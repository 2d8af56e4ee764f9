import type { Command } from 'commander'
import type { Platform } from '@hotpatch/protocol'
import { readChannel, readPlatform } from '../arguments/readers.ts'
import { serverCommand, withApp, withSigning, withYes } from '../arguments/shared-options.ts'
import { UsageError } from '../errors/errors.ts'
import { importCodePush, type ImportCodePushOptions } from '../importing/import-code-push.ts'
import { importHotUpdater, type ImportHotUpdaterOptions } from '../importing/import-hot-updater.ts'
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

  serverCommand(imports, 'code-push', 'releases what a CodePush server has, with its deployment keys', withApp, withYes)
    .requiredOption('--from <source>', 'address of the server, or a folder with what its tool printed')
    .option('--source-app <name[=platform]>', 'an app of the source, which may be given several times', readSourceApp)
    .option(
      '--deployment <deployment=channel>',
      'where its releases go; the channel of its name when absent',
      readDeployment,
    )
    .option('--source-token-stdin', 'read the access key of the source from standard input; else HOTPATCH_SOURCE_TOKEN')
    .option('--unverified', 'also packages whose hash is not the one that the source says')
    .option('--leave-out', 'go on without releases that cannot be imported')
    .option('--dry-run', 'show the plan and change nothing')
    .action((options: ImportCodePushOptions) => importCodePush(context, options))

  serverCommand(
    imports,
    'hot-updater',
    "publishes the bundles that hot-updater's server or storage has",
    withApp,
    withYes,
  )
    .requiredOption('--from <source>', 'address of the server, with its base path, or a copy of the storage')
    .option('--storage <folder>', 'a copy of the storage, where its server is the source')
    .option(
      '--channel <channel=channel>',
      'where its bundles go; the channel of its name when absent',
      readSourceChannel,
    )
    .option(
      '--source-token-stdin',
      'read the bearer token of the source from standard input; else HOTPATCH_SOURCE_TOKEN',
    )
    .option('--unverified', 'also archives whose SHA-256 is not the one that the source says')
    .option('--leave-out', 'go on without bundles that cannot be imported')
    .option('--dry-run', 'show the plan and change nothing')
    .action((options: ImportHotUpdaterOptions) => importHotUpdater(context, options))
}

type Named<Value> = ReadonlyMap<string, Value>

/** Given several times: one for each branch. */
const readBranch = readPlaces('--branch', 'branch=channel, such as main=production')
const readSourceChannel = readPlaces('--channel', 'channel=channel, such as Production=production')
const readDeployment = readPlaces('--deployment', 'deployment=channel, such as Production=production')

function readPlaces(option: string, expected: string) {
  return (text: string, before: Named<string> = new Map()): Named<string> => {
    const [, name, channel] = /^([^=]+)=(.+)$/.exec(text) ?? []
    if (name === undefined || channel === undefined) {
      throw new UsageError(`${option}: expected ${expected}, found "${text}".`)
    }
    return new Map([...before, [name, readChannel(channel)]])
  }
}

function readSourceApp(text: string, before: Named<Platform | undefined> = new Map()): Named<Platform | undefined> {
  const [, name = text, platform] = /^(.+)=([a-z]+)$/.exec(text) ?? []
  return new Map([...before, [name, platform === undefined ? undefined : readPlatform(platform)]])
}
