import type { ReleaseFinding } from '@hotpatch/api'
import type { Platform } from '@hotpatch/protocol'
import { formatCount } from '../../output/text.ts'
import { BUNDLE_NAMES, bundleNameOf, isBundled } from './build-bundle.ts'
import type { BundleFile } from './bundle-files.ts'
import { readEntryKind, type EntryKind } from './entry-file.ts'
import { findSecrets } from './find-secrets.ts'

export interface InspectedBundle {
  findings: ReleaseFinding[]
  /** Of platforms that have an entry file by name. */
  entry: { name: string; kind: EntryKind } | undefined
}

const NAMED = 3
const WEB_ENTRY = 'index.html'

/** What a bundle has that must not be published, and what it lacks. Reads it, and changes nothing. */
export async function inspectBundle(platform: Platform, files: readonly BundleFile[]): Promise<InspectedBundle> {
  const { findings, entry } = await inspectEntry(platform, files)
  findings.push(...modulesFindings(files), ...(await secretFindings(files)))
  return { findings, entry }
}

async function inspectEntry(platform: Platform, files: readonly BundleFile[]): Promise<InspectedBundle> {
  const name = bundleNameOf(platform)
  if (name === undefined) return { findings: webFindings(platform, files), entry: undefined }
  const file = files.find((each) => each.name === name)
  if (!file) return { findings: [missingEntry(platform, name, files)], entry: undefined }
  if (file.sizeBytes === 0) {
    const finding = errorOf('entry-file', `code in ${name}`, 'an empty file', 'Make the bundle again.')
    return { findings: [finding], entry: undefined }
  }
  const kind = await readEntryKind(file)
  const findings = layoutFindings(platform, files)
  if (kind.kind === 'plain' && kind.isDevelopment) {
    const advice = 'Make it with --dev false: a development bundle is slow, and tells what its authors wrote.'
    findings.push(errorOf('development-bundle', 'a bundle for production', `__DEV__ is true in ${name}`, advice))
  }
  return { findings, entry: { name, kind } }
}

/** A folder of another platform is named as what it is. */
function missingEntry(platform: Platform, name: string, files: readonly BundleFile[]): ReleaseFinding {
  const other = Object.entries(BUNDLE_NAMES).find(([, each]) => files.some((file) => file.name === each))
  const nested = files.find((file) => file.name.endsWith(`/${name}`))
  if (other) {
    const found = `${other[1]}: this is a bundle for ${other[0]}`
    return errorOf('entry-file', `${name}, which is what ${platform} runs`, found, `Name the folder for ${platform}.`)
  }
  const found = nested ? `it further down, as ${nested.name}` : 'no such file'
  const advice = nested
    ? `Publish the folder that it lies in: --bundle-dir …/${nested.name.slice(0, -name.length - 1)}`
    : `Publish the folder that ${isBundled(platform) ? "React Native's bundler" : 'your build'} has written.`
  return errorOf('entry-file', `${name} in the folder`, found, advice)
}

/** Content §3: what the server asks of a web bundle. */
function webFindings(platform: Platform, files: readonly BundleFile[]): ReleaseFinding[] {
  if (platform !== 'web' || files.some(({ name }) => name === WEB_ENTRY)) return []
  return [missingEntry(platform, WEB_ENTRY, files)]
}

/** Images lie in other folders on each platform. */
function layoutFindings(platform: Platform, files: readonly BundleFile[]): ReleaseFinding[] {
  const drawables = files.filter(({ name }) => name.startsWith('drawable-'))
  if (platform !== 'ios' || drawables.length === 0) return []
  const found = `${formatCount(drawables.length, 'file')} in drawable folders, as Android has them`
  return [errorOf('assets', 'images below assets/', found, 'Make the bundle with --platform ios.')]
}

function modulesFindings(files: readonly BundleFile[]): ReleaseFinding[] {
  // Metro puts images of packages below assets/node_modules: those belong there.
  const found = files.filter(({ name }) => /^(?:.*\/)?node_modules\//.test(name) && !isAsset(name))
  const [first] = found
  if (!first) return []
  const text = `${formatCount(found.length, 'file')} of packages, such as ${first.name}`
  return [
    errorOf('node-modules', 'a bundle', text, 'Publish the output of the bundler, not the folder of the project.'),
  ]
}

const isAsset = (name: string) => name.startsWith('assets/') && !/\.(?:[cm]?[jt]sx?|json)$/.test(name)

async function secretFindings(files: readonly BundleFile[]): Promise<ReleaseFinding[]> {
  const { secrets, unread } = await findSecrets(files)
  const findings = [...Map.groupBy(secrets, ({ id }) => id).values()].map((found) => {
    const names = found.slice(0, NAMED).map(({ file }) => file)
    const more = found.length > NAMED ? ` and ${found.length - NAMED} more` : ''
    const [{ what } = { what: '' }] = found
    const advice = 'Everybody can download what is published. Take it out; what was published before is to be replaced.'
    return errorOf('secret', `nothing secret`, `${what} in ${names.join(', ')}${more}`, advice)
  })
  if (unread.length > 0) {
    const found = `${formatCount(unread.length, 'file')} too large to be read whole, such as ${unread[0]}`
    findings.push({
      ...errorOf('secret', 'files that can be looked through', found, 'Look for secrets in it yourself.'),
      severity: 'warning',
    })
  }
  return findings
}

function errorOf(check: string, expected: string, found: string, advice: string): ReleaseFinding {
  return { check, severity: 'error', expected, found, advice }
}
