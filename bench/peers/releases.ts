import { createHash } from 'node:crypto'
import { noise } from '@hotpatch/testkit/archives'
import { zipOf } from '@hotpatch/testkit'

/** What all contenders have published, in the order of `number`, from 1. */
export interface PeerRelease {
  number: number
  version: string
  notes: string
  /** Of the build, as hot-updater's tool makes them: they rise with time. */
  buildId: string
  /** By path. */
  files: Readonly<Record<string, Buffer>>
  zip: Buffer
}

/** HotPatch knows of the newest eight which files they have: whatever is older is updated as a whole. */
export const RELEASES = 8
/** Of the binary of every device. */
export const BINARY_VERSION = '1.4.0'
/** Which binaries every release is for. */
export const BINARY_RANGE = '^1.2.0'
/** What the binary shipped with, as hot-updater's clients say it. */
export const EMBEDDED_BUILD = '019b76da-a800-7000-8000-000000000000'

const BUNDLE = 'index.android.bundle'
const BUNDLE_BYTES = 60_000
const ASSETS = 18
const ASSET_BYTES = 2_000

const bundleNoise = noise(BUNDLE_BYTES)

/** Each has another bundle than the one before, and one other picture. @param wrap what a protocol adds to the files */
export async function makeReleases(
  wrap: (files: Record<string, Buffer>, buildId: string) => Record<string, Buffer>,
): Promise<PeerRelease[]> {
  return Promise.all(
    Array.from({ length: RELEASES }, async (_, index) => {
      const number = index + 1
      const buildId = `019c167f-cc00-7000-8000-${String(number).padStart(12, '0')}`
      const files = wrap(filesOf(number), buildId)
      return {
        number,
        version: `2.0.${number}`,
        notes: `What is new in 2.0.${number}.`,
        buildId,
        files,
        zip: await zipOf(files),
      }
    }),
  )
}

function filesOf(number: number): Record<string, Buffer> {
  const assets = Array.from({ length: ASSETS }, (_, asset) => {
    const changedIn = number - ((number - asset + RELEASES * ASSETS) % ASSETS)
    return [`assets/picture-${asset}.png`, Buffer.alloc(ASSET_BYTES, `picture ${asset} of ${changedIn} `)]
  })
  return { [BUNDLE]: Buffer.concat([Buffer.from(`start(${number})`), bundleNoise]), ...Object.fromEntries(assets) }
}

export function sha256Of(bytes: string | Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** The paths whose files are new or other in `release` than in `before`. */
export function changedPaths(release: PeerRelease, before: PeerRelease): string[] {
  return Object.keys(release.files).filter((path) => {
    const old = before.files[path]
    return old === undefined || !old.equals(release.files[path] as Buffer)
  })
}
