import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { systemClock } from '../../ground/clock.ts'
import { openStorage } from '../../ground/storage/open-storage.ts'
import { OperatorError, type OperatorCommand } from '../command/operator-command.ts'
import { UsageError } from '../command/usage-error.ts'
import { inBytes } from './in-bytes.ts'
import { makeBackup } from './make-backup.ts'

const OPTIONS = {
  to: { type: 'string' },
  reuse: { type: 'string' },
  'without-secrets': { type: 'boolean', default: false },
  'without-database': { type: 'boolean', default: false },
} as const

export const backup: OperatorCommand = {
  usage: [
    'backup --to <folder>                   copies database, artifacts and secrets, while a server runs or not',
    '    --reuse <folder>                     links the artifacts of this earlier backup instead of copying them',
    '    --without-secrets                    leaves the secrets of the data folder out',
    '    --without-database                   artifacts and secrets alone: the database was dumped by its own tools',
  ].join('\n'),
  async run(args, { config, now, print, warn }) {
    const { values } = parseArgs({ args: [...args], options: OPTIONS, strict: true })
    if (values.to === undefined) throw new UsageError('backup: expected --to and the folder of the new backup.')
    const databasePath = values['without-database'] ? undefined : pathOfDatabase(config.database)
    const { dataDirectory } = config
    const { storage } = await openStorage(config.storage, systemClock)
    const manifest = await makeBackup({
      to: resolve(values.to),
      databasePath,
      dataDirectory,
      storage,
      withSecrets: !values['without-secrets'],
      reuse: values.reuse === undefined ? undefined : resolve(values.reuse),
      now,
    }).finally(() => storage.close?.())
    const { files, artifacts } = manifest
    const names = files.map(({ path }) => path.replace('secrets/', ''))
    print(
      `${resolve(values.to)}: ${[...names, `${artifacts.count} artifacts (${inBytes(artifacts.sizeBytes)})`].join(', ')}`,
    )
    for (const sha256 of artifacts.missing) {
      warn(`Artifact ${sha256} is named by the database, and its bytes are gone or damaged. Publish its release again.`)
    }
    return artifacts.missing.length === 0 ? 0 : 1
  },
}

function pathOfDatabase(database: { kind: 'sqlite'; path: string } | { kind: 'postgres' }): string {
  if (database.kind === 'sqlite') return database.path
  throw new OperatorError(
    'The database is PostgreSQL, which its own tools back up. Run pg_dump first, and then this with --without-database: ' +
      'a row must never name bytes that the backup lacks.',
  )
}
