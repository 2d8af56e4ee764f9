import {
  EXPO_CONFIG,
  EXPO_METADATA,
  expoManifestOf,
  expoUpdateOf,
  parseJson,
  problem,
  readExpoConfig,
  readExpoExport,
  readExpoManifest,
  UnexpectedJsonError,
  writeExpoManifest,
  type ExpoConfig,
  type ExpoExport,
  type FilesManifest,
} from '@hotpatch/protocol'

/** What is kept of an export of Expo's, beside its list of files. */
export interface KeptExpoExport extends ExpoExport {
  /** The app's public config, where it came along. */
  config?: ExpoConfig
}

const MAX_METADATA_BYTES = 4 * 1024 * 1024
const MAX_CONFIG_BYTES = 512 * 1024

/**
 * Expo §7: undefined when the files are no export of Expo's.
 * @throws problem invalid-request when they are one that no client could be served
 */
export async function findExpoExport(
  { launch, files }: FilesManifest,
  readText: (sha256: string, maxBytes: number) => Promise<string | undefined>,
): Promise<KeptExpoExport | undefined> {
  async function readAt(path: string, maxBytes: number): Promise<string | undefined> {
    const file = files.find((each) => each.path === path)
    if (!file) return undefined
    const text = await readText(file.sha256, maxBytes)
    if (text === undefined) throw problem('body-too-large', `${path}: expected at most ${maxBytes} bytes.`)
    return text
  }
  const metadata = await readAt(EXPO_METADATA, MAX_METADATA_BYTES)
  if (metadata === undefined) return undefined
  const exported = inFile(EXPO_METADATA, () => readIfJson(metadata))
  if (!exported) return undefined
  if (launch !== undefined && launch !== exported.bundle) {
    const detail = `files.json: expected "launch" to be the bundle "${exported.bundle}" of ${EXPO_METADATA}, found "${launch}".`
    throw problem('invalid-request', detail)
  }
  const text = await readAt(EXPO_CONFIG, MAX_CONFIG_BYTES)
  const config = text === undefined ? undefined : inFile(EXPO_CONFIG, () => readExpoConfig(parseJson(text), ''))
  inFile(EXPO_METADATA, () => requireServable(exported, files, config))
  return { ...exported, ...(config && { config }) }
}

/** Other tools have a file of that name, too, and theirs need not be JSON. */
function readIfJson(text: string): ExpoExport | undefined {
  try {
    JSON.parse(text)
  } catch {
    return undefined
  }
  return readExpoExport(text)
}

/** What clients would be sent, but for the address and the time. */
function requireServable(exported: ExpoExport, files: FilesManifest['files'], config: ExpoConfig | undefined): void {
  const update = expoUpdateOf(exported, files, { sha256: '0'.repeat(64), runtimeVersion: '1', config })
  const placing = { at: 0, place: '', assetsUrl: 'https://updates.example.com/expo/app/assets' }
  readExpoManifest(writeExpoManifest(expoManifestOf(update, placing)))
}

function inFile<Result>(name: string, read: () => Result): Result {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof UnexpectedJsonError)) throw error
    throw problem('invalid-request', `${name}: ${error.message}`, {}, { cause: error })
  }
}
