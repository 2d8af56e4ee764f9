import { dirname, join } from 'node:path'
import type { Clock } from '../clock.ts'
import { createDiskPublicFiles } from './disk-public-files.ts'
import { createDiskStorage } from './disk-storage.ts'
import type { PublicFiles } from './public-files.ts'
import { openS3Storage } from './s3/open-s3-storage.ts'
import type { S3Config } from './s3/s3-config.ts'
import type { StorageDriver } from './storage-driver.ts'

/** Where artifacts are. */
export type StorageConfig = { kind: 'disk'; directory: string } | S3Config

export interface OpenedStorage {
  storage: StorageDriver
  publicFiles: PublicFiles
  /** What whoever runs the server should know; undefined when all is well. */
  notice: string | undefined
}

/** @throws StorageSetupError when it cannot be used as it is set up */
export async function openStorage(config: StorageConfig, clock: Clock): Promise<OpenedStorage> {
  switch (config.kind) {
    case 'disk':
      return {
        storage: createDiskStorage({ directory: config.directory, clock }),
        publicFiles: createDiskPublicFiles({ directory: join(dirname(config.directory), 'public') }),
        notice: undefined,
      }
    case 's3':
      return openS3Storage({ config, clock })
  }
}
