import type { ManifestFile } from '@hotpatch/protocol'
import type { ReleaseFile } from './content-kind.ts'

/** A file that is for no system in particular, and lies here. */
export function plainFile(
  { path, sha256, sizeBytes, packageHash }: ManifestFile & { packageHash?: string | undefined },
  role: ReleaseFile['role'],
  contentType: string,
): ReleaseFile {
  return {
    path,
    role,
    sha256,
    size_bytes: sizeBytes,
    content_type: contentType,
    platform: null,
    architecture: null,
    format: null,
    component: null,
    url: null,
    delta_from: null,
    told_sha256: null,
    sha512: null,
    package_hash: packageHash ?? null,
  }
}
