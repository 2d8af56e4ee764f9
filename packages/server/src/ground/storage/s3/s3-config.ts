/** An S3-compatible bucket, and how devices get at what is in it. */
export interface S3Config {
  kind: 's3'
  bucket: string
  /** Null: AWS itself. */
  endpoint: string | null
  region: string
  /** Before every name, such as "hotpatch/"; empty for none. */
  prefix: string
  /** Whether the bucket is in the path of addresses, and not in the host. */
  isPathStyle: boolean
  /** Null: the role of the machine, or what else the environment has for AWS. */
  credentials: { accessKeyId: string; secretAccessKey: string; sessionToken: string | null } | null
  downloads: S3Downloads
}

export type S3Downloads =
  | { kind: 'server' }
  | { kind: 'presigned'; linkSeconds: number }
  /** What stands before the bucket, and lets everybody read. */
  | { kind: 'cdn'; url: string }
  | { kind: 'cloudfront'; url: string; keyPairId: string; privateKeyFile: string; linkSeconds: number }
