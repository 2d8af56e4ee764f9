import {
  EXPO_CONFIG,
  EXPO_METADATA,
  expoManifestOf,
  expoUpdateId,
  expoUpdateOf,
  parseJson,
  readExpoConfig,
  readExpoExport,
  readExpoManifest,
  readExpoUpdateId,
  readFilesManifest,
  UnexpectedJsonError,
  writeExpoManifest,
  writeExpoTime,
} from '@hotpatch/protocol'
import { CommandError } from '../errors/errors.ts'

/** An update that may be signed, because what it is was seen here. */
export interface SignableUpdate {
  /** As people know it. */
  version: string
  runtimeVersion: string
  /** The manifest for one time, to the last byte as the server would write it. */
  write(at: number, assetsUrl: string): string
}

/** Bytes that are what their digest says. */
export type ReadText = (sha256: string) => Promise<string>

/**
 * Of an export's list of files.
 * @returns undefined when they are no export of Expo's
 * @throws CommandError when it is none that clients could be told of
 */
export async function readSignableUpdate(
  { version, sha256, runtimeVersion }: { version: string; sha256: string; runtimeVersion: string },
  readText: ReadText,
): Promise<SignableUpdate | undefined> {
  try {
    const { files } = readFilesManifest(await readText(sha256))
    const textAt = async (path: string) => {
      const file = files.find((each) => each.path === path)
      return file && readText(file.sha256)
    }
    const metadata = await textAt(EXPO_METADATA)
    const exported = metadata === undefined ? undefined : readExpoExport(metadata)
    if (!exported) return undefined
    const text = await textAt(EXPO_CONFIG)
    const config = text === undefined ? undefined : readExpoConfig(parseJson(text), '')
    const update = expoUpdateOf(exported, files, { sha256, runtimeVersion, config })
    const write = (at: number, assetsUrl: string) =>
      writeExpoManifest(expoManifestOf(update, { at, place: '', assetsUrl }))
    return { version, runtimeVersion, write }
  } catch (cause) {
    if (!(cause instanceof UnexpectedJsonError)) throw cause
    throw new CommandError('export-unfit', `${version} is no export that Expo's clients take: ${cause.message}`, {
      cause,
    })
  }
}

/** Of a manifest that was signed here before: the same for another time. Undefined when it is none of this server's. */
export function againOf(version: string, body: string): SignableUpdate | undefined {
  const manifest = readExpoManifest(body)
  const identity = readExpoUpdateId(manifest.id)
  if (!identity) return undefined
  const { digestStart } = identity
  const { runtimeVersion, launchAsset, assets } = manifest
  return {
    version,
    runtimeVersion,
    write(at, assetsUrl) {
      const moved = <Asset extends { url: string }>(asset: Asset): Asset => ({
        ...asset,
        url: `${assetsUrl}/${asset.url.slice(asset.url.lastIndexOf('/') + 1)}`,
      })
      return writeExpoManifest({
        ...manifest,
        id: expoUpdateId(digestStart, at, ''),
        createdAt: writeExpoTime(at),
        launchAsset: moved(launchAsset),
        assets: assets.map(moved),
      })
    },
  }
}
