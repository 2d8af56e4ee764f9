import { join } from 'node:path'

/** When the first update was published. */
export const XPREM_AT = Date.parse('2026-03-01T10:00:00Z')
const MINUTE = 60_000

interface KeptUpdate {
  /** Minutes after the first. */
  at: number
  branch?: string
  runtimeVersion?: string
  platform?: string
  /** Of its bundle, beside the logo that all have. Undefined: a way back. */
  bundle?: string
  /** Written over what such a folder has, or left out of it. */
  change?: Record<string, string | undefined>
}

/** As expo-open-ota lays out a bucket: a folder for each update, named by its time and, later, its platform. */
export function xpremBucket(
  updates: readonly KeptUpdate[],
  { root = 'bucket', hasDigit = true } = {},
): Record<string, string> {
  const files: Record<string, string> = {}
  for (const { at, branch = 'main', runtimeVersion = '1', platform = 'android', bundle, change = {} } of updates) {
    const ms = XPREM_AT + at * MINUTE
    const id = hasDigit ? `${ms}${platform === 'ios' ? 1 : 2}` : String(ms)
    const launch = `_expo/static/js/${platform}/index.hbc`
    const metadata = { platform, commitHash: 'c0ffee', ...(bundle !== undefined && { message: `The ${bundle}` }) }
    const own: Record<string, string | undefined> =
      bundle === undefined
        ? { rollback: '', 'update-metadata.json': JSON.stringify(metadata), '.check': '.check' }
        : {
            '.check': '.check',
            'update-metadata.json': JSON.stringify(metadata),
            'expoConfig.json': JSON.stringify({ name: 'Shop', slug: 'shop', version: '1.4.0' }),
            'metadata.json': JSON.stringify({
              version: 0,
              bundler: 'metro',
              fileMetadata: { [platform]: { bundle: launch, assets: [{ path: 'assets/1a2b', ext: 'png' }] } },
            }),
            [launch]: `bundle ${bundle}`,
            'assets/1a2b': 'logo',
          }
    for (const [name, text] of Object.entries({ ...own, ...change })) {
      if (text !== undefined) files[join(root, branch, runtimeVersion, id, name)] = text
    }
  }
  return files
}

export const xpremId = (minutes: number, digit: 1 | 2 = 2) => `${XPREM_AT + minutes * MINUTE}${digit}`
