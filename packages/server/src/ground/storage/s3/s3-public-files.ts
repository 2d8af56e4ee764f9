import { assertPublicName, type PublicFiles } from '../public-files.ts'
import type { S3Client } from './s3-client.ts'

/** Objects `<prefix>edge/…`, beside the artifacts. */
export function createS3PublicFiles({
  s3,
  prefix,
}: {
  s3: Pick<S3Client, 'put' | 'remove'>
  prefix: string
}): PublicFiles {
  const nameOf = (name: string) => {
    assertPublicName(name)
    return prefix + name
  }
  return {
    write: (name, text, { contentType, cacheControl }) =>
      s3.put(nameOf(name), Buffer.from(text), { ContentType: contentType, CacheControl: cacheControl }),
    remove: (names) => s3.remove(names.map(nameOf)),
  }
}
