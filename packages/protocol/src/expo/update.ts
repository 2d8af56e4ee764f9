import { base64UrlFromHex } from './base64url.ts'
import { projectIdOf, type ExpoConfig } from './config.ts'
import { typeOfExtension } from '../content/file-types.ts'
import type { ExpoExport } from './export.ts'
import { expoUpdateId, writeExpoTime } from './identity.ts'
import type { ExpoAsset, ExpoManifest } from './manifest.ts'
import { UnexpectedJsonError } from '../json-reader.ts'

/** A release as Expo's clients get it: everything but when, by which rollout and from which address. */
export interface ExpoUpdate {
  /** The SHA-256 of its `files.json`, in hex. */
  sha256: string
  runtimeVersion: string
  launch: ExpoFile
  assets: readonly (ExpoFile & { ext: string })[]
  config?: ExpoConfig | undefined
  metadata?: Readonly<Record<string, string>>
}

export interface ExpoFile {
  /** Metro calls an asset after the MD5 of its bytes. */
  path: string
  /** In hex. */
  sha256: string
}

/**
 * @param files of the release, by path
 * @throws UnexpectedJsonError when the export names a file that is not there, or one name means two contents
 */
export function expoUpdateOf(
  { bundle, assets }: Omit<ExpoExport, 'platform'>,
  files: readonly ExpoFile[],
  release: Omit<ExpoUpdate, 'launch' | 'assets'>,
): ExpoUpdate {
  const byPath = new Map(files.map((file) => [file.path, file]))
  const fileAt = (path: string, pointer: string): ExpoFile => {
    const file = byPath.get(path)
    if (!file) throw new UnexpectedJsonError(pointer, 'the path of a file of the release', path)
    return file
  }
  const launch = fileAt(bundle, '/bundle')
  const byKey = new Map([[keyOf(launch), launch]])
  const listed: (ExpoFile & { ext: string })[] = []
  for (const [index, { path, ext }] of assets.entries()) {
    const pointer = `/assets/${index}/path`
    const file = fileAt(path, pointer)
    const key = keyOf(file)
    const known = byKey.get(key)
    byKey.set(key, file)
    // A client keeps one file under each key, whichever came first.
    if (!known) listed.push({ path, sha256: file.sha256, ext })
    else if (known.sha256 !== file.sha256) {
      throw new UnexpectedJsonError(pointer, `other bytes than those of "${known.path}", or another name`, path)
    }
  }
  return { ...release, launch, assets: listed }
}

/** What makes one manifest of an update. */
export interface ExpoPlacing {
  /** `createdAt`, in milliseconds since 1970. */
  at: number
  /** The rollout; empty for what is signed in advance. */
  place: string
  /** In front of the SHA-256 of each file: such as `https://updates.example.com/expo/demo/assets`. */
  assetsUrl: string
}

/** Expo §4. The same update, time, place and address are the same manifest, to the last byte. */
export function expoManifestOf(update: ExpoUpdate, { at, place, assetsUrl }: ExpoPlacing): ExpoManifest {
  const { sha256, runtimeVersion, launch, assets, config, metadata = {} } = update
  const projectId = config && projectIdOf(config)
  return {
    id: expoUpdateId(sha256, at, place),
    createdAt: writeExpoTime(at),
    runtimeVersion,
    launchAsset: {
      ...assetOf(launch, assetsUrl),
      key: launch.sha256,
      contentType: 'application/javascript',
      fileExtension: '.bundle',
    },
    assets: assets.map((asset) => ({
      ...assetOf(asset, assetsUrl),
      // No client looks at it, and yet the manifest has to say something.
      contentType: typeOfExtension(asset.ext) ?? UNKNOWN_TYPE,
      fileExtension: `.${asset.ext}`,
    })),
    metadata,
    extra: { ...(config && { expoClient: config }), ...(projectId !== undefined && { eas: { projectId } }) },
  }
}

const METRO_ASSET = /(?:^|\/)([0-9a-f]{32})$/

const UNKNOWN_TYPE = 'application/octet-stream'

/** Under its MD5 a client finds an asset in its binary, too, and does not fetch it. */
export function keyOf({ path, sha256 }: ExpoFile): string {
  return METRO_ASSET.exec(path)?.[1] ?? sha256
}

function assetOf(file: ExpoFile, assetsUrl: string): Omit<ExpoAsset, 'contentType'> {
  return { hash: base64UrlFromHex(file.sha256), key: keyOf(file), url: `${assetsUrl}/${file.sha256}` }
}
