import { createHash } from 'node:crypto'

/** Of that moment, as hot-updater's tools make them. */
export function buildIdAt(at: number, random = 0): string {
  const time = at.toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${random.toString(16).padStart(12, '0')}`
}

/** What `npx hot-updater deploy` puts into its zip. */
export function buildOf(buildId: string, files: Readonly<Record<string, string>>): Record<string, string> {
  const assets = Object.entries(files).map(([path, text]) => [path, { fileHash: sha256Of(text) }])
  const manifest = { bundleId: buildId, assets: Object.fromEntries(assets) }
  return { ...files, 'manifest.json': `${JSON.stringify(manifest, null, 2)}\n` }
}

function sha256Of(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
