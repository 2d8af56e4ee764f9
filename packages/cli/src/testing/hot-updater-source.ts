import { createHash, createPrivateKey, sign } from 'node:crypto'
import { zipOf } from '@hotpatch/testkit'

export interface SourceBundle {
  /** Its place in time. */
  number: number
  text: string
  platform?: 'android' | 'ios'
  channel?: string
  /** Over what its row says. */
  row?: Record<string, unknown>
  /** As its tools before 0.31 built it. */
  isOld?: boolean
  /** A PEM: it is signed. */
  key?: string
}

const sha256 = (bytes: string | Uint8Array) => createHash('sha256').update(bytes).digest('hex')

export const bundleIdOf = (number: number) => `019c167f-cc00-7000-8000-${String(number).padStart(12, '0')}`

/** A bundle as its tool leaves it in a bucket, and its row. */
export async function hotUpdaterBundle(bundle: SourceBundle) {
  const { number, text, platform = 'android', channel = 'production', row = {}, isOld = false, key } = bundle
  const id = bundleIdOf(number)
  const name = platform === 'android' ? 'index.android.bundle' : 'index.ios.bundle'
  const manifest = JSON.stringify({ bundleId: id, assets: { [name]: { fileHash: sha256(text) } } })
  const zip = await zipOf({ [name]: text, ...(isOld ? { BUNDLE_ID: id } : { 'manifest.json': manifest }) })
  const signed = (digest: string) =>
    key ? `sig:${sign('sha256', Buffer.from(digest, 'hex'), createPrivateKey(key)).toString('base64')}` : digest
  const told: Record<string, unknown> = {
    id,
    platform,
    channel,
    enabled: true,
    shouldForceUpdate: false,
    fileHash: signed(sha256(zip)),
    manifestFileHash: signed(sha256(manifest)),
    storageUri: `s3://ota/bundles/${id}/bundle.zip`,
    gitCommitHash: null,
    message: `The ${text}`,
    targetAppVersion: '1.x',
    fingerprintHash: null,
    rolloutCohortCount: 1000,
    targetCohorts: null,
    ...row,
  }
  return { id, row: told, key: `bundles/${id}/bundle.zip`, zip }
}

/** A copy of a bucket in which hot-updater keeps its rows, too. */
export async function hotUpdaterBucket(bundles: readonly SourceBundle[], root = 'bucket') {
  const made = await Promise.all(bundles.map(hotUpdaterBundle))
  const files: Record<string, string | Buffer> = {}
  for (const { key, zip } of made) files[`${root}/${key}`] = zip
  const byFile = Map.groupBy(made, ({ row }) =>
    [row.channel, row.platform, String(row.targetAppVersion ?? row.fingerprintHash)].join('/'),
  )
  for (const [place, rows] of byFile) {
    files[`${root}/${place}/update.json`] = JSON.stringify(rows.map(({ row }) => row))
  }
  return files
}
