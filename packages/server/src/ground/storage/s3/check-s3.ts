import { StorageError, StorageSetupError } from '../storage-error.ts'
import type { S3Client } from './s3-client.ts'
import type { S3Config } from './s3-config.ts'

const MINUTE_MS = 60_000
/** What AWS allows, as do the others. */
const MAX_SKEW_MS = 15 * MINUTE_MS

/**
 * Writes, reads and removes a little object, so that what is wrong is told by the start and not by the first publish.
 * @returns what is told and does not stop the start: nobody answers now, and downloads and publishes wait for it
 * @throws StorageSetupError when somebody answers and does not let us
 */
export async function checkS3({ s3, config }: { s3: S3Client; config: S3Config }): Promise<string | undefined> {
  const name = `${config.prefix}write-check`
  try {
    await s3.put(name, Buffer.from('HotPatch has looked whether it can write here.'))
    await s3.stat(name)
    await s3.remove([name])
    return undefined
  } catch (error) {
    if (!(error instanceof StorageError)) throw error
    const where = `the bucket "${config.bucket}" at ${config.endpoint ?? `AWS (${config.region})`}`
    if (error.failure === 'refused') throw new StorageSetupError(explain(error, where, s3.skewMs()))
    return `${error.message} Expected ${where}. Look at S3_ENDPOINT, and whether the store runs: checks are answered all the same, and publishing waits for it.`
  }
}

function explain(error: StorageError, where: string, skewMs: number): string {
  const code = /\((.+)\)/.exec(error.message)?.[1] ?? 'unknown'
  if (code === 'RequestTimeTooSkewed' || Math.abs(skewMs) > MAX_SKEW_MS)
    return (
      `Expected a clock within ${MAX_SKEW_MS / MINUTE_MS} minutes of that of ${where}, found one that is ` +
      `${describeSkew(skewMs)} (${code}). Set this machine's clock, such as by NTP.`
    )
  const [, remedy] = REMEDIES.find(([known]) => known.test(code)) ?? [code, OTHER_REMEDY]
  return `Expected to be able to write to ${where}, found ${code}. ${remedy}`
}

function describeSkew(skewMs: number): string {
  const minutes = Math.round(Math.abs(skewMs) / MINUTE_MS)
  return `${minutes} minutes ${skewMs < 0 ? 'ahead' : 'behind'}`
}

const OTHER_REMEDY = 'Look at S3_BUCKET, S3_ENDPOINT, AWS_REGION and the credentials.'
const REMEDIES: [code: RegExp, remedy: string][] = [
  [/^NoSuchBucket$/, 'Make that bucket, or correct S3_BUCKET.'],
  [/^InvalidBucketName$/, 'Correct S3_BUCKET.'],
  [
    /^(?:SignatureDoesNotMatch|InvalidAccessKeyId|UnrecognizedClientException|InvalidToken|ExpiredToken)$/,
    'Correct AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN, where there is one).',
  ],
  [
    /^CredentialsProviderError$/,
    'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the machine, task or pod a role.',
  ],
  [
    /^(?:AccessDenied|HTTP 403|Forbidden)$/,
    'Let the credentials do s3:PutObject, s3:GetObject, s3:DeleteObject, s3:AbortMultipartUpload, s3:ListBucket and ' +
      's3:ListBucketMultipartUploads there.',
  ],
  [/^(?:PermanentRedirect|AuthorizationHeaderMalformed|IllegalLocationConstraintException)$/, 'Correct AWS_REGION.'],
]
