import { open, type FileHandle } from 'node:fs/promises'
import { filePathFault } from '@hotpatch/protocol'
import { openApkResources } from '../android/apk-resources.ts'
import { elementsIn } from '../android/binary-xml.ts'
import { textIn } from '../apple/plist-value.ts'
import { readPlist } from '../apple/plist.ts'
import { READING_LIMITS, type ReadingLimits } from '../application.ts'
import { requireFormat, requireMagic } from '../formats.ts'
import { openPackageZip, type PackageZip } from '../package-zip.ts'
import { namedRefusal, readingOf, refusal } from '../refusal.ts'

/** What a binary shipped with. */
export type ReadEmbeddedUpdate = ReadExpoUpdate | ReadEmbeddedFiles

export interface ReadExpoUpdate {
  kind: 'expo'
  platform: 'android' | 'ios'
  /** A UUID in lower case. */
  id: string
  /** In milliseconds since 1970: for its clients the time of the update. */
  builtAt: number
  /** Undefined where the file does not say it in a form that is read here, as an App Bundle does not. */
  runtimeVersion?: string
  /** The bundle that the binary runs first. */
  launch: Buffer
}

/** Of a React Native app, the files that devices find in it, at the paths of a release (Content §12.1). */
export interface ReadEmbeddedFiles {
  kind: 'archive'
  platform: 'android' | 'ios'
  files: readonly { path: string; bytes: Buffer }[]
}

interface Place {
  platform: ReadEmbeddedUpdate['platform']
  manifests: readonly string[]
  launch: string
  /** Below it is what devices find; its other files there differ from phone to phone, or are none of a release. */
  root: string
  isShipped(path: string): boolean
  /** Where the runtime version is, when it is a fingerprint. */
  fingerprints: readonly string[]
  runtimeVersion(zip: PackageZip, limits: ReadingLimits): Promise<string | undefined>
}

/** Bytecode of the largest apps has some fifty. */
const MAX_LAUNCH_BYTES = 256 * 1024 * 1024
/** As many and as much as patches are made of. */
const MAX_FILES = 20_000
const MAX_FILES_BYTES = 512 * 1024 * 1024
const MAX_FINGERPRINT_BYTES = 1_024
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const INFO = /^Payload\/[^/]+\.app\/Info\.plist$/
const RUNTIME_VERSION = 'expo.modules.updates.EXPO_RUNTIME_VERSION'
/** Of Android's attributes, `name` and `value`. */
const [NAME, VALUE] = [0x0101_0003, 0x0101_0024]
/** What the build writes instead of it, and has in a file of this name. */
const IN_FILE = 'file:fingerprint'

/**
 * @param name of the file, which says what it is: `….apk`, `….aab` or `….ipa`
 * @throws problem invalid-binary, in bounded memory and time whatever the bytes are
 */
export async function readEmbeddedUpdate(
  path: string,
  name: string,
  limits: ReadingLimits = READING_LIMITS,
): Promise<ReadEmbeddedUpdate> {
  const handle = await open(path)
  try {
    return await read(handle, name, limits)
  } catch (error) {
    throw namedRefusal(error, name)
  } finally {
    await handle.close()
  }
}

async function read(handle: FileHandle, name: string, limits: ReadingLimits): Promise<ReadEmbeddedUpdate> {
  const format = requireFormat(name)
  if (format !== 'apk' && format !== 'aab' && format !== 'ipa') {
    throw refusal(`Expected an APK, an App Bundle or an IPA, which bundles are in, found ${format}.`)
  }
  await requireMagic(handle, format)
  const zip = await openPackageZip(handle, limits)
  const place = placeIn(zip, format)
  const manifest = await firstOf(zip, place.manifests, limits.maxManifestBytes)
  if (!manifest) return { kind: 'archive', platform: place.platform, files: await readFiles(zip, place) }
  const { id, builtAt } = readManifest(manifest)
  const launch = await zip.read(place.launch, MAX_LAUNCH_BYTES)
  if (!launch || launch.length === 0) throw refusal(`Expected the bundle ${place.launch} in the zip, found none.`)
  const told = await place.runtimeVersion(zip, limits)
  const runtimeVersion = told === IN_FILE ? await readFingerprint(zip, place) : told
  const { platform } = place
  return { kind: 'expo', platform, id, builtAt, ...(runtimeVersion !== undefined && { runtimeVersion }), launch }
}

async function readFiles(zip: PackageZip, { root, launch, manifests, isShipped }: Place) {
  const paths = zip.paths.filter((path) => path.startsWith(root) && isShipped(path.slice(root.length)))
  if (!paths.includes(launch)) {
    const expected = `Expected the bundle ${launch} in the zip, or ${manifests.join(' or ')} of expo-updates`
    throw refusal(`${expected}, found none: it is no React Native app, or was built for development.`)
  }
  const bytes = paths.reduce((sum, path) => sum + zip.sizeOf(path), 0)
  if (paths.length > MAX_FILES || bytes > MAX_FILES_BYTES) {
    const found = `${paths.length} files with ${bytes} bytes`
    throw refusal(`Expected up to ${MAX_FILES} files with ${MAX_FILES_BYTES} bytes below ${root}, found ${found}.`)
  }
  const files: ReadEmbeddedFiles['files'][number][] = []
  for (const path of paths.toSorted()) {
    // Whoever unpacks them writes to these places.
    const fault = filePathFault(path.slice(root.length))
    if (fault) throw refusal(`Expected paths that releases may have, found ${fault.found} in the zip.`)
    const content = await zip.read(path, MAX_LAUNCH_BYTES)
    if (content) files.push({ path: path.slice(root.length), bytes: content })
  }
  return files
}

function placeIn(zip: PackageZip, format: 'apk' | 'aab' | 'ipa'): Place {
  if (format === 'ipa') return inIpa(zip)
  const assets = format === 'apk' ? 'assets' : 'base/assets'
  return {
    platform: 'android',
    manifests: [`${assets}/app.manifest`],
    launch: `${assets}/index.android.bundle`,
    root: `${assets}/`,
    // Images are resources: which of them a phone has, and under which names, its screen and the store decide.
    isShipped: (path) => path === 'index.android.bundle',
    fingerprints: [`${assets}/fingerprint`],
    runtimeVersion: format === 'apk' ? runtimeVersionOfApk : async () => undefined,
  }
}

function inIpa(zip: PackageZip): Place {
  const inside = zip.paths.find((path) => INFO.test(path))?.replace(/Info\.plist$/, '')
  if (inside === undefined) throw refusal('Expected Payload/….app/Info.plist in the zip, found none: it is no IPA.')
  return {
    platform: 'ios',
    manifests: [`${inside}EXUpdates.bundle/app.manifest`, `${inside}app.manifest`],
    launch: `${inside}main.jsbundle`,
    root: inside,
    isShipped: (path) => path === 'main.jsbundle' || (path.startsWith('assets/') && !path.endsWith('/')),
    fingerprints: [`${inside}EXUpdates.bundle/fingerprint`, `${inside}fingerprint`],
    async runtimeVersion(_zip, limits) {
      const bytes = await zip.read(`${inside}Expo.plist`, limits.maxManifestBytes)
      return bytes && textIn(readPlist(bytes, 'Expo.plist'), 'EXUpdatesRuntimeVersion')
    },
  }
}

async function runtimeVersionOfApk(zip: PackageZip, limits: ReadingLimits): Promise<string | undefined> {
  const bytes = await zip.read('AndroidManifest.xml', limits.maxManifestBytes)
  if (!bytes) return undefined
  const resources = await openApkResources(zip, limits)
  const found = readingOf('AndroidManifest.xml', () => {
    for (const element of elementsIn(bytes)) {
      if (element.name !== 'meta-data') continue
      const named = element.attribute(NAME)
      if (named?.kind === 'text' && named.text === RUNTIME_VERSION) return element.attribute(VALUE)
    }
    return undefined
  })
  return resources.text(found)
}

async function readFingerprint(zip: PackageZip, { fingerprints }: Place): Promise<string | undefined> {
  return (await firstOf(zip, fingerprints, MAX_FINGERPRINT_BYTES))?.toString('utf8').trim()
}

async function firstOf(zip: PackageZip, paths: readonly string[], maxBytes: number): Promise<Buffer | undefined> {
  for (const path of paths) {
    const bytes = await zip.read(path, maxBytes)
    if (bytes) return bytes
  }
  return undefined
}

function readManifest(bytes: Buffer): Pick<ReadExpoUpdate, 'id' | 'builtAt'> {
  const { id, commitTime } = parse(bytes)
  const lower = typeof id === 'string' ? id.toLowerCase() : ''
  if (!UUID.test(lower)) throw refusal('Expected a UUID as id of app.manifest, found something else.')
  if (typeof commitTime === 'number' && Number.isSafeInteger(commitTime) && commitTime > 0) {
    return { id: lower, builtAt: commitTime }
  }
  throw refusal('Expected milliseconds since 1970 as commitTime of app.manifest, found something else.')
}

function parse(bytes: Buffer): Record<string, unknown> {
  try {
    const json: unknown = JSON.parse(bytes.toString('utf8'))
    if (typeof json === 'object' && json !== null) return json as Record<string, unknown>
  } catch {
    // which the refusal says
  }
  throw refusal('Expected JSON with an object in app.manifest, found something else.')
}
