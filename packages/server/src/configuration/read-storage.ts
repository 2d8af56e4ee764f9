import { join } from 'node:path'
import type { StorageConfig } from '../ground/storage/open-storage.ts'
import type { S3Config, S3Downloads } from '../ground/storage/s3/s3-config.ts'
import type { Environment, EnvironmentName } from './env.ts'

/** A week is the most that stores take. */
const MAX_LINK_SECONDS = 604_800
/** Of AWS; others allow more, and then not with the bucket in the host. */
const BUCKET = /^[A-Za-z0-9][A-Za-z0-9._-]{1,254}$/
/** What needs no encoding in any address. */
const PREFIX = /^(?:(?!\.\.?\/)[A-Za-z0-9._-]+\/)+$/
const ADDRESS = /^https?:\/\/[^?#@\s]+$/

interface Given {
  environment: Environment
  dataDirectory: string
  refuse: (name: EnvironmentName, expected: string) => void
  /** In milliseconds. */
  seconds: (name: EnvironmentName, minimum: number, maximum: number) => number
}

/** Where artifacts are: in a bucket where one is named, else on the disk. */
export function readStorage(given: Given): StorageConfig {
  const { environment, dataDirectory, refuse } = given
  const bucket = environment.S3_BUCKET
  if (bucket === '') {
    // A server that was meant to have a bucket must not begin to keep artifacts elsewhere.
    for (const name of ['S3_ENDPOINT', 'S3_PREFIX', 'S3_CDN_URL'] as const)
      if (environment[name] !== '') refuse('S3_BUCKET', `the name of a bucket, as there is ${name}`)
    return { kind: 'disk', directory: join(dataDirectory, 'artifacts') }
  }
  if (!BUCKET.test(bucket)) refuse('S3_BUCKET', 'the name of a bucket, such as my-artifacts')
  const prefix = environment.S3_PREFIX
  if (prefix !== '' && !PREFIX.test(prefix)) refuse('S3_PREFIX', 'names that end with "/", such as hotpatch/')
  const endpoint = readAddress('S3_ENDPOINT', given)
  const pathStyle = environment.S3_PATH_STYLE
  if (!['true', 'false', ''].includes(pathStyle)) refuse('S3_PATH_STYLE', 'true or false')
  return {
    kind: 's3',
    bucket,
    endpoint,
    region: environment.AWS_REGION,
    prefix,
    isPathStyle: pathStyle === '' ? endpoint !== null : pathStyle === 'true',
    credentials: readCredentials(given),
    downloads: readDownloads(given),
  }
}

function readAddress(name: 'S3_ENDPOINT' | 'S3_CDN_URL', { environment, refuse }: Given): string | null {
  const text = environment[name]
  if (text === '') return null
  if (!URL.canParse(text) || !ADDRESS.test(text)) refuse(name, 'an address such as https://s3.example.com')
  return text.replace(/\/+$/, '')
}

function readCredentials({ environment, refuse }: Given): S3Config['credentials'] {
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN } = environment
  if (AWS_ACCESS_KEY_ID === '' && AWS_SECRET_ACCESS_KEY === '') return null
  if (AWS_ACCESS_KEY_ID === '') refuse('AWS_ACCESS_KEY_ID', 'the key of which AWS_SECRET_ACCESS_KEY is the secret')
  if (AWS_SECRET_ACCESS_KEY === '') refuse('AWS_SECRET_ACCESS_KEY', 'the secret of the key in AWS_ACCESS_KEY_ID')
  return {
    accessKeyId: AWS_ACCESS_KEY_ID,
    secretAccessKey: AWS_SECRET_ACCESS_KEY,
    sessionToken: AWS_SESSION_TOKEN || null,
  }
}

function readDownloads(given: Given): S3Downloads {
  const { environment, refuse, seconds } = given
  const kind = environment.S3_DOWNLOADS
  const linkSeconds = seconds('S3_LINK_SECONDS', 10, MAX_LINK_SECONDS) / 1000
  const url = readAddress('S3_CDN_URL', given)
  switch (kind) {
    case 'server':
      return { kind }
    case 'cdn':
    case 'cloudfront':
      if (url === null) refuse('S3_CDN_URL', `the address of the CDN, as S3_DOWNLOADS is ${kind}`)
      break
    case 'presigned':
      if (url !== null) refuse('S3_DOWNLOADS', 'cdn or cloudfront, as there is S3_CDN_URL')
      return { kind, linkSeconds }
    default:
      refuse('S3_DOWNLOADS', 'presigned, cdn, cloudfront or server')
      return { kind: 'server' }
  }
  if (kind === 'cdn') return { kind, url: url ?? '' }
  const keyPairId = environment.S3_CLOUDFRONT_KEY_PAIR_ID
  const privateKeyFile = environment.S3_CLOUDFRONT_PRIVATE_KEY_FILE
  if (keyPairId === '') refuse('S3_CLOUDFRONT_KEY_PAIR_ID', 'the id of a public key, as S3_DOWNLOADS is cloudfront')
  if (privateKeyFile === '') refuse('S3_CLOUDFRONT_PRIVATE_KEY_FILE', 'a file, as S3_DOWNLOADS is cloudfront')
  return { kind, url: url ?? '', keyPairId, privateKeyFile, linkSeconds }
}
