import type { Clock } from '../../clock.ts'
import type { StorageDriver } from '../storage-driver.ts'
import type { PublicFiles } from '../public-files.ts'
import { checkS3 } from './check-s3.ts'
import { connectS3 } from './s3-client.ts'
import type { S3Config } from './s3-config.ts'
import { createS3PublicFiles } from './s3-public-files.ts'
import { createS3Storage } from './s3-storage.ts'

/**
 * Connects, and looks whether all that is needed is allowed.
 * @returns with a notice where nobody answers now
 */
export async function openS3Storage({
  config,
  clock,
}: {
  config: S3Config
  clock: Clock
}): Promise<{ storage: StorageDriver; publicFiles: PublicFiles; notice: string | undefined }> {
  const s3 = await connectS3({ config, clock })
  try {
    const notice = await checkS3({ s3, config })
    const publicFiles = createS3PublicFiles({ s3, prefix: config.prefix })
    return { storage: await createS3Storage({ s3, config, clock }), publicFiles, notice }
  } catch (error) {
    s3.close()
    throw error
  }
}
