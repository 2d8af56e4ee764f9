import type { ReleaseFinding } from '@hotpatch/api'
import type { Platform } from '@hotpatch/protocol'
import { formatCount } from '../../output/text.ts'
import type { ContentFile } from '../content-kind.ts'
import { BUNDLE_NAMES } from './build-bundle.ts'
import { readEntryKind, type EntryKind } from './entry-file.ts'
import { findUnpublishable } from '../folder/find-unpublishable.ts'
import { errorOf } from '../folder/finding.ts'
import type { StartFile } from './start-file.ts'

export interface InspectedBundle {
  findings: ReleaseFinding[]
  /** Where it is known what devices start. */
  entry: { name: string; kind: EntryKind } | undefined
}

/** What a bundle has that must not be published, and what it lacks. Reads it, and changes nothing. */
export async function inspectBundle(
  platform: Platform,
  start: StartFile | undefined,
  files: readonly ContentFile[],
): Promise<InspectedBundle> {
  const { findings, entry } = await inspectStart(platform, start, files)
  findings.push(...(await findUnpublishable(files)))
  return { findings, entry }
}

async function inspectStart(
  platform: Platform,
  start: StartFile | undefined,
  files: readonly ContentFile[],
): Promise<InspectedBundle> {
  if (!start) return { findings: [], entry: undefined }
  const { name } = start
  const file = files.find((each) => each.name === name)
  const isWeb = start.flavour === 'web bundle'
  if (!file) {
    const finding = isWeb ? missingPage(name, files) : missingBundle(platform, name, files)
    return { findings: [finding], entry: undefined }
  }
  if (file.sizeBytes === 0) {
    const finding = errorOf(
      isWeb ? 'entry' : 'entry-file',
      `code in ${name}`,
      'an empty file',
      'Make the bundle again.',
    )
    return { findings: [finding], entry: undefined }
  }
  if (isWeb) return { findings: [], entry: { name, kind: { kind: 'web' } } }
  const kind = await readEntryKind(file)
  const findings = layoutFindings(platform, files)
  if (kind.kind === 'plain' && kind.isDevelopment) {
    const advice = 'Make it with --dev false: a development bundle is slow, and tells what its authors wrote.'
    findings.push(errorOf('development-bundle', 'a bundle for production', `__DEV__ is true in ${name}`, advice))
  }
  return { findings, entry: { name, kind } }
}

/** A folder of another platform is named as what it is. */
function missingBundle(platform: Platform, name: string, files: readonly ContentFile[]): ReleaseFinding {
  const other = Object.entries(BUNDLE_NAMES).find(([, each]) => files.some((file) => file.name === each))
  if (other) {
    const found = `${other[1]}: this is a bundle for ${other[0]}`
    return errorOf('entry-file', `${name}, which is what ${platform} runs`, found, `Name the folder for ${platform}.`)
  }
  const { found, advice } = whereElse(name, files)
  return errorOf(
    'entry-file',
    `${name} in the folder`,
    found,
    advice ?? "Publish the folder that React Native's bundler has written, or of a web app: --entry index.html.",
  )
}

/** Content §3: what the server asks of a web bundle. Nobody can force it. */
function missingPage(name: string, files: readonly ContentFile[]): ReleaseFinding {
  const { found, advice } = whereElse(name, files)
  const build = 'Publish the folder that your build has written, or say what it starts with: --entry.'
  return errorOf('entry', `${name} in the folder`, found, advice ?? build)
}

function whereElse(name: string, files: readonly ContentFile[]): { found: string; advice?: string } {
  const nested = files.find((file) => file.name.endsWith(`/${name}`))
  if (nested) {
    const folder = nested.name.slice(0, -name.length - 1)
    return {
      found: `it further down, as ${nested.name}`,
      advice: `Publish the folder that it lies in: --bundle-dir …/${folder}`,
    }
  }
  const alike = files.find((file) => file.name.toLowerCase() === name.toLowerCase())
  return alike
    ? { found: `${alike.name}, which is another name on most devices`, advice: `Name it ${name}.` }
    : { found: 'no such file' }
}

/** Images lie in other folders on each platform. */
function layoutFindings(platform: Platform, files: readonly ContentFile[]): ReleaseFinding[] {
  const drawables = files.filter(({ name }) => name.startsWith('drawable-'))
  if (platform !== 'ios' || drawables.length === 0) return []
  const found = `${formatCount(drawables.length, 'file')} in drawable folders, as Android has them`
  return [errorOf('assets', 'images below assets/', found, 'Make the bundle with --platform ios.')]
}
