import type { Clock } from '../clock.ts'
import { createDiskStorage } from './disk-storage.ts'
import { openS3Storage } from './s3/open-s3-storage.ts'
import type { S3Config } from './s3/s3-config.ts'
import type { StorageDriver } from './storage-driver.ts'

/** Where artifacts are. */
export type StorageConfig = { kind: 'disk'; directory: string } | S3Config

export interface OpenedStorage {
  storage: StorageDriver
  /** What whoever runs the server should know; undefined when all is well. */
  notice: string | undefined
}

/** @throws StorageSetupError when it cannot be used as it is set up */
export async function openStorage(config: StorageConfig, clock: Clock): Promise<OpenedStorage> {
  switch (config.kind) {
    case 'disk':
      return { storage: createDiskStorage({ directory: config.directory, clock }), notice: undefined }
    case 's3':
      return openS3Storage({ config, clock })
  }
}
