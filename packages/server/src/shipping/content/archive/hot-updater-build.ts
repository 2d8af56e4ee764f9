import {
  HOT_UPDATER_MANIFEST,
  problem,
  readHotUpdaterManifest,
  UnexpectedJsonError,
  type HotUpdaterManifest,
  type ManifestFile,
  type Platform,
} from '@hotpatch/protocol'

/** Hot-updater §7: by these names a client finds what it starts. */
const BUNDLES: readonly { platform: Platform; expected: string; pattern: RegExp }[] = [
  { platform: 'android', expected: 'index.android.bundle', pattern: /(?:^|\/)[^/]*\.android\.bundle$/ },
  {
    platform: 'ios',
    expected: 'index.ios.bundle or main.jsbundle',
    pattern: /^(?:index\.ios\.bundle|main\.jsbundle)$/,
  },
]

/** Of older tools, beside the manifest: nobody needs it there. */
const UNLISTED: ReadonlySet<string> = new Set([HOT_UPDATER_MANIFEST, 'BUNDLE_ID'])

/** Whether it may be what hot-updater's tool builds: then its manifest says. */
export function mayBeHotUpdaterBuild(paths: readonly string[]): boolean {
  return paths.includes(HOT_UPDATER_MANIFEST) && paths.some((path) => BUNDLES.some(({ pattern }) => pattern.test(path)))
}

/**
 * Hot-updater §7: the id of the build; undefined when it is none.
 * @param manifest the text of it; undefined when there is none, or it is longer than any
 * @throws problem invalid-request when it is one that no client could take
 */
export function findBuildId(files: readonly ManifestFile[], manifest: string | undefined): string | undefined {
  const build = manifest === undefined ? undefined : readManifest(manifest)
  if (!build) return undefined
  const { buildId, files: listed } = build
  const found = new Map(files.map(({ path, sha256 }) => [path, sha256]))
  for (const [path, sha256] of listed) {
    const own = found.get(path)
    if (own === sha256) continue
    throw unfit(`expected the file "${path}" with the SHA-256 ${sha256}, found ${own ?? 'no such file'}`)
  }
  const unlisted = files.find(({ path }) => !listed.has(path) && !UNLISTED.has(path))
  if (unlisted) throw unfit(`expected every file of the archive in its assets, found "${unlisted.path}" beside them`)
  return buildId
}

function readManifest(text: string): HotUpdaterManifest | undefined {
  try {
    return readHotUpdaterManifest(text)
  } catch (error) {
    if (error instanceof UnexpectedJsonError) throw unfit(error.message, error)
    throw error
  }
}

function unfit(found: string, cause?: unknown): Error {
  return problem('invalid-request', `${HOT_UPDATER_MANIFEST}: ${found}.`, {}, { cause })
}

/**
 * Of a release that is for one platform.
 * @throws problem content-unfit
 */
export function requireBundleFor(platform: Platform, files: readonly ManifestFile[]): void {
  const wanted = BUNDLES.find((each) => each.platform === platform)
  if (!wanted || bundlesOf(wanted, files).length > 0) return
  const { expected } = wanted
  throw problem('content-unfit', `Expected ${expected} in the build, as it is for ${platform}, found none.`, {
    entry: expected,
  })
}

/** Hot-updater §8: the one that patches are made of; undefined where there are several. */
export function findBundle(platform: Platform, files: readonly ManifestFile[]): ManifestFile | undefined {
  const wanted = BUNDLES.find((each) => each.platform === platform)
  const [bundle, another] = wanted ? bundlesOf(wanted, files) : []
  return another ? undefined : bundle
}

function bundlesOf({ pattern }: { pattern: RegExp }, files: readonly ManifestFile[]): ManifestFile[] {
  return files.filter(({ path }) => pattern.test(path))
}
