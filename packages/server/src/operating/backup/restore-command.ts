import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { type OperatorCommand } from '../command/operator-command.ts'
import { UsageError } from '../command/usage-error.ts'
import { inBytes } from './in-bytes.ts'
import { checkBackup, restoreBackup } from './restore-backup.ts'

const OPTIONS = { from: { type: 'string' }, check: { type: 'boolean', default: false } } as const

export const restore: OperatorCommand = {
  usage: [
    'restore --from <folder>                puts a backup into the data folder, which must be empty',
    '    --check                              only looks whether it is whole',
  ].join('\n'),
  async run(args, { config, print }) {
    const { values } = parseArgs({ args: [...args], options: OPTIONS, strict: true })
    if (values.from === undefined) throw new UsageError('restore: expected --from and the folder of a backup.')
    const from = resolve(values.from)
    const { dataDirectory, database } = config
    if (values.check) {
      const { artifacts, files } = await checkBackup(from)
      print(
        `${from} is whole: ${files.length} files and ${artifacts.count} artifacts (${inBytes(artifacts.sizeBytes)})`,
      )
      return 0
    }
    const manifest = await restoreBackup({ from, dataDirectory, databaseKind: database.kind })
    print(
      `${dataDirectory}: restored what was backed up at ${manifest.madeAt}, with ${manifest.artifacts.count} artifacts`,
    )
    return 0
  },
}
