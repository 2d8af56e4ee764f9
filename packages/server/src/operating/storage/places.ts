import { resolve } from 'node:path'
import type { StorageConfig } from '../../ground/storage/open-storage.ts'
import { UsageError } from '../command/usage-error.ts'

const EXPECTED =
  'disk (of the data folder), disk:FOLDER, s3 (as the environment has it) or s3:BUCKET/PREFIX/ (another bucket of the same store)'

/** Which storage somebody means on a command line. What it takes beside that is the server's own environment. */
export function readPlace(
  option: string,
  text: string | undefined,
  { configured, dataDirectory }: { configured: StorageConfig; dataDirectory: string },
): StorageConfig {
  if (text === 'disk') return { kind: 'disk', directory: resolve(dataDirectory, 'artifacts') }
  if (text?.startsWith('disk:')) return { kind: 'disk', directory: resolve(text.slice('disk:'.length)) }
  if (text !== undefined && /^s3(?::|$)/.test(text)) {
    if (configured.kind !== 's3')
      throw new UsageError(
        `${option} ${text}: expected S3_BUCKET and what belongs to it in the environment, found none.`,
      )
    const [, bucket, prefix] = /^s3:([^/]+)(?:\/(.+\/)?)?$/.exec(text) ?? []
    if (text === 's3') return configured
    if (bucket !== undefined) return { ...configured, bucket, prefix: prefix ?? '' }
  }
  throw new UsageError(`${option}: expected ${EXPECTED}, found ${text === undefined ? 'nothing' : `"${text}"`}.`)
}

/** For people to read; no credentials. */
export function describePlace(config: StorageConfig): string {
  if (config.kind === 'disk') return `the folder ${config.directory}`
  return `the bucket ${config.bucket}${config.prefix && `, below ${config.prefix}`}`
}
