import { readFileSync } from 'node:fs'

/** Every environment variable that the server reads: one line of meaning each. Nothing else reads the environment. */
export const ENVIRONMENT = {
  PORT: { meaning: 'Port to listen on', initially: '8080' },
  HOTPATCH_HOST: { meaning: 'Address to listen on', initially: '0.0.0.0' },
  HOTPATCH_WORKERS: {
    meaning:
      'Processes that serve behind the port: auto for as many as there are cores; 0 or 1 for one and nothing more',
    initially: '1',
  },
  HOTPATCH_DATA: { meaning: 'Folder for the database, the artifacts and the owner token', initially: './data' },
  HOTPATCH_PUBLIC_URL: {
    meaning: "The server's address as devices see it, such as https://updates.example.com; else the request's own host",
    initially: '',
  },
  HOTPATCH_DEFAULT_APP: {
    meaning: 'Slug of the app that device requests mean which name none; it must let devices check without a key',
    initially: '',
  },
  HOTPATCH_TRUST_PROXY: {
    meaning:
      'Proxies to believe about client addresses: how many stand before the server, such as 1, or their addresses and networks, such as 127.0.0.1,10.0.0.0/8',
    initially: '',
  },
  HOTPATCH_LOG_LEVEL: { meaning: 'fatal, error, warn, info, debug or silent', initially: 'info' },
  HOTPATCH_LOG_FORMAT: { meaning: 'text or json; else text at a terminal, and JSON elsewhere', initially: '' },
  DATABASE_URL: {
    meaning:
      'postgres://… for PostgreSQL, or of several servers of which one writes: postgres://…@one:5432,two:5432/…?target_session_attrs=read-write; empty for SQLite in the data folder',
    initially: '',
  },
  HOTPATCH_DATABASE_CONNECTIONS: {
    meaning: 'Connections to PostgreSQL at most for what people do, of all workers together',
    initially: '10',
  },
  HOTPATCH_DATABASE_DEVICE_CONNECTIONS: {
    meaning: 'Connections to PostgreSQL at most for what devices tell, of each worker',
    initially: '2',
  },
  HOTPATCH_DATABASE_FIGURE_CONNECTIONS: {
    meaning: 'Connections to PostgreSQL at most for figures and whatever else takes long to read, of each worker',
    initially: '3',
  },
  HOTPATCH_DATABASE_REPLICA_URL: {
    meaning:
      'postgres://… of a read replica, for figures and exports, which may then be a moment old; else they are read from DATABASE_URL',
    initially: '',
  },
  HOTPATCH_DATABASE_REPLICA_LAG_SECONDS: {
    meaning: 'How far behind the read replica may be; when it is further, DATABASE_URL is read in its place',
    initially: '30',
  },
  REDIS_URL: {
    meaning:
      'redis://user:password@host:6379 of Redis or Valkey, rediss:// for TLS, further hosts behind commas: servers share their limits over it; empty for none',
    initially: '',
  },
  S3_BUCKET: {
    meaning: 'Bucket of an S3-compatible store that has the artifacts; empty for the disk, in the data folder',
    initially: '',
  },
  S3_ENDPOINT: { meaning: 'Address of the store, such as https://s3.example.com; empty for AWS', initially: '' },
  AWS_ACCESS_KEY_ID: {
    meaning: "The store's key for the server; empty for the role of the machine, task or pod, as AWS's tools find it",
    initially: '',
  },
  AWS_SECRET_ACCESS_KEY: { meaning: 'The secret of that key', initially: '' },
  AWS_SESSION_TOKEN: { meaning: 'With a key that is only for a while', initially: '' },
  AWS_REGION: { meaning: 'Region of the bucket; auto for R2', initially: 'us-east-1' },
  S3_PREFIX: { meaning: 'Before the names of all objects, such as hotpatch/', initially: '' },
  S3_PATH_STYLE: {
    meaning: 'true: the bucket is in the path of addresses; false: in their host; empty: in the path, but for AWS',
    initially: '',
  },
  S3_DOWNLOADS: {
    meaning:
      'How devices get at bytes: presigned, by links to the store that end; cdn, from S3_CDN_URL, which everybody may read; cloudfront, from S3_CDN_URL by signed links; server, through this server',
    initially: 'presigned',
  },
  S3_LINK_SECONDS: { meaning: 'How long presigned and signed links can be used', initially: '900' },
  S3_CDN_URL: {
    meaning: 'Address at which a CDN has what is in the bucket, such as https://cdn.example.com',
    initially: '',
  },
  S3_CLOUDFRONT_KEY_PAIR_ID: { meaning: 'Id of the public key by which CloudFront holds signed links', initially: '' },
  S3_CLOUDFRONT_PRIVATE_KEY_FILE: { meaning: 'File with the private key of it, in PEM', initially: '' },
  JWT_SECRET: {
    meaning: 'Secret of at least 32 characters that signs access tokens; else one is kept in the data folder',
    initially: '',
  },
  HOTPATCH_DEVICE_ID_SECRET: {
    meaning:
      'Secret of at least 32 characters that device ids are hashed with, the same on every server and for ever; else one is kept in the data folder',
    initially: '',
  },
  HOTPATCH_SECRETS_KEY: {
    meaning:
      'Secret of at least 32 characters that app keys and webhook secrets are encrypted with in the database, the same on every server; several with commas: the first encrypts, all decrypt; else one is kept in the data folder',
    initially: '',
  },
  HOTPATCH_METRICS: {
    meaning: 'Who may read /metrics: token, an API token for all apps; open, everyone; off, nobody',
    initially: 'token',
  },
  OTEL_EXPORTER_OTLP_ENDPOINT: {
    meaning:
      'Address of a collector of OpenTelemetry to send traces to by OTLP over HTTP, such as http://collector:4318; empty for none',
    initially: '',
  },
  OTEL_EXPORTER_OTLP_HEADERS: {
    meaning: 'Headers that the collector wants, such as authorization=Bearer%20TOKEN, with commas between several',
    initially: '',
  },
  OTEL_EXPORTER_OTLP_PROTOCOL: { meaning: 'http/protobuf or http/json', initially: 'http/protobuf' },
  OTEL_SERVICE_NAME: {
    meaning: 'What the server is called in traces; else service.name of OTEL_RESOURCE_ATTRIBUTES, else hotpatch',
    initially: '',
  },
  OTEL_RESOURCE_ATTRIBUTES: {
    meaning:
      'What else traces say of this server, such as deployment.environment.name=production, with commas between several',
    initially: '',
  },
  OTEL_TRACES_SAMPLER: {
    meaning:
      'Which traces are sent: always_on, always_off, traceidratio, or one of these with parentbased_ before it, which does as the caller does, if that is somebody known',
    initially: 'parentbased_always_on',
  },
  OTEL_TRACES_SAMPLER_ARG: { meaning: 'Of traceidratio, the part that is sent, from 0 to 1', initially: '1' },
  OTEL_SDK_DISABLED: { meaning: 'true: no traces, whatever else is said of them', initially: 'false' },
  HOTPATCH_TRACE_DEVICES: {
    meaning:
      'The part of what devices ask that is traced at all, from 0 to 1; OTEL_TRACES_SAMPLER decides of it further',
    initially: '0',
  },
  HOTPATCH_MAX_BUNDLE_BYTES: {
    meaning:
      "Largest bundle, single file of a release, or file of a kit's component that can be uploaded; devices refuse bundles of more than this default",
    initially: '268435456',
  },
  HOTPATCH_MAX_BINARY_BYTES: {
    meaning: 'Largest file of a whole binary, such as an APK or an installer, that can be uploaded',
    initially: '2147483648',
  },
  HOTPATCH_MAX_UPLOADS: {
    meaning: 'Resumable uploads that may be on their way at once, half of them of one app',
    initially: '100',
  },
  HOTPATCH_UPLOAD_HOURS: {
    meaning: 'Hours that a resumable upload may take',
    initially: '24',
  },
  HOTPATCH_MAX_UNPACKED_BYTES: {
    meaning: 'Largest bundle, unpacked; devices refuse more than this default',
    initially: '1073741824',
  },
  HOTPATCH_MAX_BUNDLE_FILES: {
    meaning: 'Most files in a bundle; devices refuse more than this default',
    initially: '20000',
  },
  HOTPATCH_PATCH_BASES: {
    meaning:
      'Patches are made from so many of the releases that most devices of a channel run, and from as many of those placed last on it; 0 for none',
    initially: '5',
  },
  HOTPATCH_DEVICE_REQUESTS_PER_MINUTE: {
    meaning: 'Requests a minute from one device; 0 for no limit',
    initially: '60',
  },
  HOTPATCH_ADDRESS_REQUESTS_PER_MINUTE: {
    meaning: 'Device requests a minute from one address; 0 for no limit',
    initially: '12000',
  },
  HOTPATCH_ADDRESS_BYTES_PER_MINUTE: {
    meaning: 'Bytes of device requests a minute from one address; 0 for no limit',
    initially: '33554432',
  },
  HOTPATCH_ADDRESS_EVENTS_PER_MINUTE: {
    meaning: 'Events that devices report a minute from one address; 0 for no limit',
    initially: '12000',
  },
  HOTPATCH_APP_BYTES_PER_MINUTE: {
    meaning:
      'Bytes of reports a minute from all devices of one app, half of it from devices not seen before; 0 for no limit',
    initially: '268435456',
  },
  HOTPATCH_APP_EVENTS_PER_MINUTE: {
    meaning:
      'Events that all devices of one app report a minute, half of them by devices not seen before; 0 for no limit',
    initially: '240000',
  },
  HOTPATCH_DEVICE_EVENTS_PER_DAY: {
    meaning: 'Events of one device a day that are stored one by one; what is more is only counted; 0 for no limit',
    initially: '500',
  },
  HOTPATCH_MAX_EVENT_BYTES: {
    meaning: 'Room for the events of all apps, about; what is more is only counted; 0 for no limit',
    initially: '10737418240',
  },
  HOTPATCH_MAX_APP_EVENT_BYTES: {
    meaning: 'Room for the events of one app, about; what is more is only counted; 0 for no limit',
    initially: '5368709120',
  },
  HOTPATCH_MAX_CONNECTIONS: { meaning: 'Connections at once; idle ones make room for new ones', initially: '20000' },
  HOTPATCH_ADDRESS_CONNECTIONS: {
    meaning: 'Connections at once from one address, not counting trusted proxies; 0 for no limit',
    initially: '512',
  },
  HOTPATCH_WEBHOOK_ALLOW_PRIVATE: {
    meaning:
      'Networks that webhooks may go to although they are private, also without TLS, such as 10.0.0.0/8,127.0.0.0/8; true for all',
    initially: '',
  },
  HOTPATCH_ISSUER_ALLOW_PRIVATE: {
    meaning:
      'Networks in which issuers of OpenID Connect may be although they are private, also without TLS, such as 10.0.0.0/8,127.0.0.0/8; true for all',
    initially: '',
  },
  HOTPATCH_REFRESH_SECONDS: {
    meaning: 'How often a server looks for changes that it did not hear of from another one',
    initially: '5',
  },
  HOTPATCH_AUTOMATION_SECONDS: {
    meaning: 'How often guards look at rollouts, and plans go on; a part of a second is possible',
    initially: '10',
  },
  HOTPATCH_STOP_SECONDS: { meaning: 'How long requests in flight may take at a graceful stop', initially: '10' },
} as const satisfies Record<string, { meaning: string; initially: string }>

export type EnvironmentName = keyof typeof ENVIRONMENT

export type Environment = Readonly<Record<EnvironmentName, string>>

/** May be given as files, too: whoever may look at a process sees its environment, and containers mount secrets. */
export const SECRET_VARIABLES = [
  'DATABASE_URL',
  'REDIS_URL',
  'JWT_SECRET',
  'HOTPATCH_DEVICE_ID_SECRET',
  'HOTPATCH_SECRETS_KEY',
  'OTEL_EXPORTER_OTLP_HEADERS',
] as const satisfies readonly EnvironmentName[]

/** With what stands in the files that `JWT_SECRET_FILE` and the like name. @throws SecretFileError naming the variable */
function withSecretFiles(
  env: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string | undefined>> {
  const read = SECRET_VARIABLES.flatMap((name) => {
    const path = env[`${name}_FILE`]?.trim()
    if (!path) return []
    if (env[name]?.trim()) throw new SecretFileError(`${name} and ${name}_FILE are both set. Set one of them.`)
    return [[name, readSecretFile(`${name}_FILE`, path)] as const]
  })
  return { ...env, ...Object.fromEntries(read) }
}

/** A secret is not where the environment says. */
export class SecretFileError extends Error {
  override name = 'SecretFileError'
}

function readSecretFile(variable: string, path: string): string {
  let text: string
  try {
    text = readFileSync(path, 'utf8').trim()
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    const remedy = 'Name one, or let this user read it.'
    throw new SecretFileError(`${variable}: expected a file that can be read, found ${code} at ${path}. ${remedy}`, {
      cause,
    })
  }
  if (text) return text
  throw new SecretFileError(`${variable}: the file ${path} is empty. Write the secret into it.`)
}

/**
 * Takes the known variables, with their initial values where they are absent or empty.
 * @throws SecretFileError when one that names a file names none
 */
export function readEnvironment(given: Readonly<Record<string, string | undefined>> = process.env): Environment {
  const env = withSecretFiles(given)
  const entries = Object.entries(ENVIRONMENT).map(([name, { initially }]) => [name, env[name]?.trim() || initially])
  return Object.fromEntries(entries) as Environment
}
