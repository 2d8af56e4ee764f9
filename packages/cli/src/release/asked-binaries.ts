import { basename } from 'node:path'
import type { Platform } from '@hotpatch/protocol'
import type { InstallerFile } from '../content/content-kind.ts'
import { fetchElsewhere, type ExpectedBytes } from '../installers/fetch-elsewhere.ts'
import { chooseVersion, type SaidVersion } from '../installers/choose-version.ts'
import { deltaFromOfName, findDeltasBeside, withProcessorOfWhole } from '../installers/deltas.ts'
import { factsOfName, platformOfFormat } from '../installers/file-facts.ts'
import { oneForEachMachine } from '../installers/one-for-each-machine.ts'
import { readInstaller } from '../installers/read-installer.ts'
import { proxiedFetch } from '../config/proxy.ts'
import { CommandError, UsageError } from '../errors/errors.ts'
import type { Session } from '../session/session.ts'
import type { AskedRelease } from './plan-release.ts'
import { readWishes, type ReleaseOptions } from './release-wishes.ts'

/** What is said of installers besides what they say themselves. */
export interface InstallerOptions extends Omit<ReleaseOptions, 'version'> {
  version?: string
  architecture?: string
  accept?: string[]
  /** False after `--no-deltas`. */
  deltas?: boolean
}

/** One release for each platform that files are for. */
export async function askedBinaries(
  session: Session,
  files: readonly InstallerFile[],
  options: InstallerOptions,
  found?: SaidVersion['found'],
): Promise<ReadonlyMap<Platform, AskedRelease>> {
  const { project, context } = session
  const { accept = [] } = options
  const byPlatform = Map.groupBy(await oneForEachMachine(session, files), ({ platform }) => platform)
  const all = new Map<Platform, AskedRelease>()
  for (const [platform, ofPlatform] of byPlatform) {
    const version = chooseVersion(ofPlatform, { typed: options.version, found, accept })
    const wishes = readWishes({ ...options, version }, platform, undefined)
    const channel = options.channel ?? project?.defaults.channel ?? wishes.channel
    const content = { platform, projectDirectory: project?.directory ?? context.cwd, withSourceMaps: false }
    const input = { kind: 'installers' as const, files: await withDeltas(ofPlatform, version, options), accept }
    all.set(platform, { wishes: { ...wishes, channel }, content, input })
  }
  return all
}

/** What was named, and what lies beside it: it is shown with the plan. */
async function withDeltas(files: readonly InstallerFile[], version: string, { deltas = true }: InstallerOptions) {
  const beside = deltas ? await findDeltasBeside(files, version) : []
  return withProcessorOfWhole([...files, ...(await installersAt(beside, {}))])
}

/** The version that was found beside files, if any. */
export function saidBy(found: { version: string | undefined; by: string } | undefined): SaidVersion['found'] {
  return found?.version === undefined ? undefined : { version: found.version, by: found.by }
}

/** @throws CommandError or UsageError when nobody could say what a file is, or for which platform */
export async function installersAt(
  paths: readonly string[],
  options: InstallerOptions,
  platforms: ReadonlyMap<string, Platform> = new Map(),
): Promise<InstallerFile[]> {
  const files: InstallerFile[] = []
  for (const path of paths) {
    const described = describeName(basename(path), options, platforms.get(path))
    const application = await readInstaller(path, described.name)
    files.push({ ...described, path, ...(application && { application }) })
  }
  return files
}

/** As `installersAt`, of bytes that somebody else has. */
export async function installerElsewhere(
  { context }: Session,
  url: string,
  options: InstallerOptions & { expected: ExpectedBytes },
): Promise<InstallerFile> {
  const found = await fetchElsewhere(context, proxiedFetch(context.env, url), url, options.expected)
  const { name, ...bytes } = found
  return { ...describeName(name, options), ...bytes }
}

function describeName(name: string, { platform, architecture }: InstallerOptions, told?: Platform) {
  const facts = factsOfName(name)
  if (!facts) {
    const expected =
      'a name that ends in .apk, .aab, .ipa, .dmg, .pkg, .zip, .exe, .msi, .msix, .AppImage, .deb, .rpm, .tar.gz or .delta'
    throw new CommandError('bundle-invalid', `Expected ${expected}, found ${name}.`)
  }
  const [asked, another] = platform ?? []
  if (another !== undefined) throw new UsageError('Files are of one platform each: name one, or none.')
  const chosen = asked ?? told ?? facts.platform
  if (chosen === undefined) throw new UsageError(`Say which platform ${name} is for: --platform macos.`)
  const { format } = facts
  const deltaFrom = format === 'delta' ? deltaFromOfName(name) : undefined
  const only = platformOfFormat(format)
  if (only !== undefined && chosen !== only) throw new UsageError(`${name} is for ${only}, and not for ${chosen}.`)
  const described = { name, platform: chosen, architecture: architecture ?? facts.architecture ?? 'any', format }
  return deltaFrom === undefined ? described : { ...described, deltaFrom }
}
