import { basename } from 'node:path'
import type { Platform } from '@hotpatch/protocol'
import type { InstallerFile } from '../content/content-kind.ts'
import { fetchElsewhere, type ExpectedBytes } from '../installers/fetch-elsewhere.ts'
import { factsOfName } from '../installers/file-facts.ts'
import { proxiedFetch } from '../config/proxy.ts'
import { CommandError, UsageError } from '../errors/errors.ts'
import type { Session } from '../session/session.ts'
import type { AskedRelease } from './plan-release.ts'
import { readWishes, type ReleaseOptions } from './release-wishes.ts'

/** What is said of installers besides what their names say. */
export interface InstallerOptions extends Omit<ReleaseOptions, 'version'> {
  version?: string
  architecture?: string
  accept?: string[]
}

/** One release for each platform that files are for. */
export function askedBinaries(
  session: Session,
  files: readonly InstallerFile[],
  options: InstallerOptions,
  foundVersion?: string,
): ReadonlyMap<Platform, AskedRelease> {
  const version = options.version ?? foundVersion
  if (version === undefined) throw new UsageError('Say which version they are: --version 1.2.0.')
  const { project, context } = session
  const byPlatform = Map.groupBy(files, ({ platform }) => platform)
  const { accept = [] } = options
  return new Map(
    [...byPlatform].map(([platform, ofPlatform]) => {
      const wishes = readWishes({ ...options, version }, platform, undefined)
      const channel = options.channel ?? project?.defaults.channel ?? wishes.channel
      const content = { platform, projectDirectory: project?.directory ?? context.cwd, withSourceMaps: false }
      const input = { kind: 'installers' as const, files: ofPlatform, accept }
      return [platform, { wishes: { ...wishes, channel }, content, input }]
    }),
  )
}

/** @throws CommandError or UsageError when nobody could say what a file is, or for which platform */
export function installersAt(
  paths: readonly string[],
  options: InstallerOptions,
  platforms: ReadonlyMap<string, Platform> = new Map(),
): InstallerFile[] {
  return paths.map((path) => ({ ...describeName(basename(path), options, platforms.get(path)), path }))
}

/** As `installersAt`, of bytes that somebody else has. */
export async function installerElsewhere(
  { context }: Session,
  url: string,
  options: InstallerOptions & { expected: ExpectedBytes },
): Promise<InstallerFile> {
  if (!url.startsWith('https://')) throw new UsageError(`Expected an address that begins with https://, found ${url}.`)
  const found = await fetchElsewhere(context, proxiedFetch(context.env, url), url, options.expected)
  const { sha256, sizeBytes } = found
  return { ...describeName(found.name, options), url, sha256, sizeBytes }
}

function describeName(name: string, { platform, architecture }: InstallerOptions, told?: Platform) {
  const facts = factsOfName(name)
  if (!facts) {
    const expected =
      'a name that ends in .apk, .aab, .ipa, .dmg, .pkg, .zip, .exe, .msi, .msix, .AppImage, .deb, .rpm or .tar.gz'
    throw new CommandError('bundle-invalid', `Expected ${expected}, found ${name}.`)
  }
  const [asked, another] = platform ?? []
  if (another !== undefined) throw new UsageError('Files are of one platform each: name one, or none.')
  const chosen = asked ?? told ?? facts.platform
  if (chosen === undefined) throw new UsageError(`Say which platform ${name} is for: --platform macos.`)
  const { format } = facts
  return { name, platform: chosen, architecture: architecture ?? facts.architecture ?? 'any', format }
}
