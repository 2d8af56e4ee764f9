import { stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { EXPO_CONFIG, EXPO_METADATA, readExpoExport, UnexpectedJsonError } from '@hotpatch/protocol'
import { CommandError } from '../../errors/errors.ts'
import { readPlainText } from '../../files/read-plain-text.ts'
import type { ContentFile, ContentWish } from '../content-kind.ts'

/** What of a folder that `expo export` has written is for one platform. */
export interface CollectedExpoExport {
  platform: string
  /** The path of the bundle, which is run first. */
  bundle: string
  files: readonly ContentFile[]
}

/** Expo §7. Other tools have a file of that name, too. */
export async function isExpoExport(directory: string): Promise<boolean> {
  const metadata = await readMetadata(directory)
  return metadata !== undefined && metadata.bundler !== undefined && metadata.fileMetadata !== undefined
}

/**
 * An export may be for several platforms: the files of one, with a `metadata.json` that names them alone.
 * @throws CommandError when it has nothing for the platform, or not all that it names
 */
export async function collectExpoExport(
  all: readonly ContentFile[],
  { path, wish: { platform }, directory }: { path: string; wish: Pick<ContentWish, 'platform'>; directory: string },
): Promise<CollectedExpoExport> {
  const metadata = await readMetadata(path)
  const byPlatform: unknown = metadata?.fileMetadata
  const exported = isObject(byPlatform) ? byPlatform[platform] : undefined
  if (exported === undefined) {
    const found = isObject(byPlatform) ? Object.keys(byPlatform).join(', ') : 'none'
    throw refusal(path, `an export for ${platform}`, found, `Export it anew: npx expo export --platform ${platform}.`)
  }
  const text = JSON.stringify({ ...metadata, fileMetadata: { [platform]: exported } })
  const { bundle, assets } = readOne(path, text)
  const names = new Set([bundle, ...assets.map((asset) => asset.path)])
  const found = new Map(all.map((file) => [file.name, file]))
  const missing = [...names].find((name) => !found.has(name))
  if (missing !== undefined) throw refusal(path, `the file ${missing}, which ${EXPO_METADATA} names`, 'no such file')
  const own = join(directory, EXPO_METADATA)
  await writeFile(own, text, { mode: 0o600 })
  const config = found.get(EXPO_CONFIG)
  const files = [
    ...[...names].flatMap((name) => found.get(name) ?? []),
    { name: EXPO_METADATA, path: own, sizeBytes: (await stat(own)).size },
    ...(config ? [config] : []),
  ]
  return { platform, bundle, files: files.sort((a, b) => (a.name < b.name ? -1 : 1)) }
}

function readOne(path: string, text: string) {
  try {
    const exported = readExpoExport(text)
    if (exported) return exported
  } catch (error) {
    if (!(error instanceof UnexpectedJsonError)) throw error
    const message = `${join(path, EXPO_METADATA)}: ${error.message}`
    throw new CommandError('bundle-invalid', message, { cause: error })
  }
  throw refusal(path, 'what expo export writes', 'something else')
}

async function readMetadata(directory: string): Promise<Record<string, unknown> | undefined> {
  try {
    const json: unknown = JSON.parse(await readPlainText(join(directory, EXPO_METADATA)))
    return isObject(json) ? json : undefined
  } catch {
    return undefined // whatever it is, it is none of Expo's
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function refusal(path: string, expected: string, found: string, advice = 'Export it anew.'): CommandError {
  return new CommandError('bundle-invalid', `Expected ${expected} in ${path}, found ${found}. ${advice}`)
}
