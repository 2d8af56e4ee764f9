import { createHash, randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { ReleaseFinding } from '@hotpatch/api'
import { CommandError, systemReason, UsageError } from '../errors/errors.ts'
import { MINIMUM_FILE, readMinimumFile } from '../native/minimum-native-version.ts'
import type { CliContext } from '../process/context.ts'
import { makeWebBundle, type WebBundle } from './make-web-bundle.ts'
import { readPlainText } from '../files/read-plain-text.ts'

/** What a server image carries for the apps that talk to it (Web bundle §6). */
const BUNDLE_FILE = 'bundle.zip'
const CHECKSUM_FILE = 'bundle.sha256'
const VERSION_FILE = 'VERSION'
const SIGNATURE_FILE = 'bundle.sig'

export interface BundleFolderWish {
  /** What a build has written. */
  directory: string
  /** Where the files are to be. */
  out: string
  entry?: string | undefined
  version: string
  minNativeVersion: string
  withSourceMaps?: boolean
  /** Signs the zip's SHA-256, in base64; undefined: what is there of an earlier signature goes. */
  sign?: ((sha256: string) => string) | undefined
}

export interface BundleFolder extends WebBundle {
  version: string
  minNativeVersion: string
  signature: string | null
}

/**
 * Each file is replaced as a whole, and the checksums bind the version to the zip: whoever serves the folder meanwhile
 * sees that not all of it is of one build yet.
 */
export async function writeBundleFolder(
  context: CliContext,
  wish: BundleFolderWish,
  judge: (findings: readonly ReleaseFinding[]) => void,
): Promise<BundleFolder> {
  const { directory, out, entry, version, minNativeVersion, withSourceMaps = false, sign } = wish
  await inFolder(out, () => mkdir(out, { recursive: true }))
  const zip = { directory, out: join(out, BUNDLE_FILE), entry, withSourceMaps }
  const made = await makeWebBundle(context, zip, judge)
  const signature = sign?.(made.sha256) ?? null
  const texts = {
    [VERSION_FILE]: `${version}\n`,
    [MINIMUM_FILE]: `${minNativeVersion}\n`,
    ...(signature && { [SIGNATURE_FILE]: `${signature}\n` }),
  }
  const sums = [
    `${made.sha256}  ${BUNDLE_FILE}\n`,
    ...Object.entries(texts).map(([name, text]) => `${createHash('sha256').update(text).digest('hex')}  ${name}\n`),
  ]
  const files = { ...texts, [CHECKSUM_FILE]: sums.join('') }
  await inFolder(out, async () => {
    for (const [name, text] of Object.entries(files)) await replace(join(out, name), text)
    // One of another zip would have devices refuse this one.
    if (signature === null) await rm(join(out, SIGNATURE_FILE), { force: true })
  })
  return { ...made, version, minNativeVersion, signature }
}

async function inFolder(out: string, work: () => Promise<unknown>): Promise<void> {
  try {
    await work()
  } catch (cause) {
    throw new CommandError('bundle-unwritable', `Nothing can be written to ${out}: ${systemReason(cause)}.`, { cause })
  }
}

async function replace(path: string, text: string): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`
  try {
    // Not through a link that lay there already.
    await writeFile(temporary, text, { flag: 'wx' })
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

/** What the project around the build says of itself, where nothing was given. @throws UsageError when it says nothing */
export async function readBundleVersions(
  directory: string,
  given: { version?: string | undefined; minNative?: string | undefined },
): Promise<{ version: string; minNativeVersion: string }> {
  const version = given.version ?? (await findUp(directory, readPackageVersion))
  if (version === undefined) {
    throw new UsageError('Say which version it is: --version 1.2.0, or "version" in the package.json above the folder.')
  }
  const minNativeVersion = given.minNative ?? (await findUp(directory, (at) => readMinimumFile(join(at, MINIMUM_FILE))))
  if (minNativeVersion === undefined) {
    const file = `a file ${MINIMUM_FILE} above the folder, as "native stamp" writes it`
    throw new UsageError(`Say which version of the app it needs: --min-native 1.0.0, or ${file}.`)
  }
  return { version, minNativeVersion }
}

/** In the folder, then in those above it, up to the root of the repository. */
async function findUp<T>(directory: string, read: (at: string) => Promise<T | undefined>): Promise<T | undefined> {
  const found = await read(directory)
  const parent = dirname(directory)
  if (found !== undefined || parent === directory) return found
  return existsSync(join(directory, '.git')) ? undefined : findUp(parent, read)
}

async function readPackageVersion(directory: string): Promise<string | undefined> {
  try {
    const { version } = JSON.parse(await readPlainText(join(directory, 'package.json'))) as { version?: unknown }
    return typeof version === 'string' && /^[^\s\p{Cc}]{1,100}$/u.test(version) ? version : undefined
  } catch {
    return undefined // there is none, or none that says anything
  }
}
