import { createHash } from 'node:crypto'
import { EXPO_CONFIG, EXPO_METADATA } from '@hotpatch/protocol'

type Platform = 'android' | 'ios'

/** Assets by their extension: each is called after the MD5 of its bytes, as Metro does. */
interface ExportedApp {
  platform?: Platform
  bundle: string
  assets?: readonly { ext: string; bytes: string }[]
  config?: object
}

/** What `npx expo export` leaves for one platform, with the config beside it. */
export function exportOf({
  platform = 'android',
  bundle,
  assets = [],
  config = { name: 'Demo', slug: 'demo' },
}: ExportedApp) {
  const files: Record<string, string> = {}
  const bundlePath = `_expo/static/js/${platform}/index-${md5(bundle)}.hbc`
  files[bundlePath] = bundle
  const listed = assets.map(({ ext, bytes }) => {
    const path = `assets/${md5(bytes)}`
    files[path] = bytes
    return { path, ext }
  })
  files[EXPO_METADATA] = JSON.stringify({
    version: 0,
    bundler: 'metro',
    fileMetadata: { [platform]: { bundle: bundlePath, assets: listed } },
  })
  files[EXPO_CONFIG] = JSON.stringify(config)
  return files
}

function md5(text: string): string {
  return createHash('md5').update(text).digest('hex')
}
