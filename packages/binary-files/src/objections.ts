import { compareNativeVersions, parseNativeVersion } from '@hotpatch/protocol'
import type { Application, BinaryFormatName } from '@hotpatch/api'

/** What speaks against a file, by the word that overrides it. */
export const OBJECTIONS = [
  'typed-values-differ',
  'other-application',
  'other-certificate',
  'lower-version-code',
] as const
export type ObjectionName = (typeof OBJECTIONS)[number]

/** What speaks against a file, unless that is meant. */
export interface Objection {
  /** The word by which a publish accepts it. */
  name: ObjectionName
  file: string
  expected: string
  found: string
}

type Spoken = Omit<Objection, 'file'>

/** A file whose app can be read. */
export interface ReadFile {
  name: string
  architecture: string
  format: BinaryFormatName
  application: Application
}

/** @param before what was found of files of earlier releases, newest first */
export function objectionsTo(
  files: readonly ReadFile[],
  version: string,
  before: readonly { format: BinaryFormatName; application?: Application }[],
): Objection[] {
  return files.flatMap(({ name: file, architecture, format, application }) => {
    const family = FAMILIES.find((each) => isOf(each, format)) ?? []
    const last = before.find((each) => each.application && isOf(family, each.format))?.application
    const spoken = [
      ...compareWithTyped(application, { version, architecture }),
      ...(last ? compareWithLast(application, last) : []),
    ]
    return spoken.map((objection) => ({ ...objection, file }))
  })
}

/** Whose files say which app they are: an App Bundle is the same one as the APKs that are made of it. */
export const FAMILIES: readonly (readonly BinaryFormatName[])[] = [['apk', 'aab'], ['ipa'], ['msix']]

export function isOf(family: readonly BinaryFormatName[], format: BinaryFormatName): boolean {
  return family.includes(format)
}

/** What a publish says of a release, beside its files. */
export interface TypedValues {
  /** Such as `1.2.0+45`. */
  version: string
  architecture: string
}

/** What was typed and what the file says: one of them is a mistake. */
export function compareWithTyped(application: Application, { version, architecture }: TypedValues): Spoken[] {
  const [typed = '', build] = version.split('+', 2)
  const differs = (expected: string, found: string): Spoken => ({ name: 'typed-values-differ', expected, found })
  const objections: Spoken[] = []
  if (!isSameVersion(typed, application.version.split('+', 1)[0] ?? '')) {
    objections.push(differs(`the version ${version}`, application.version))
  }
  const own = application.versionCode === undefined ? application.build : String(application.versionCode)
  if (build !== undefined && own !== undefined && build !== own) {
    objections.push(differs(`the build ${build}, as in ${version}`, own))
  }
  const { architectures } = application
  if (
    architecture !== 'any' &&
    architectures.length > 0 &&
    !architectures.some((each) => wordFor(each) === wordFor(architecture))
  ) {
    objections.push(differs(`code for ${architecture}`, architectures.join(', ')))
  }
  return objections
}

/** What a device that has the last one would refuse, or would take for another app. */
export function compareWithLast(application: Application, last: Application): Spoken[] {
  const objections: Spoken[] = []
  if (application.id !== last.id) {
    objections.push({ name: 'other-application', expected: `${last.id}, as the last release`, found: application.id })
  }
  const other = otherSigner(application, last)
  if (other) objections.push({ name: 'other-certificate', ...other })
  const [code, lastCode] = [application.versionCode, last.versionCode]
  if (code !== undefined && lastCode !== undefined && code < lastCode) {
    const expected = `a version code of ${lastCode} or more, as the last release has that`
    objections.push({ name: 'lower-version-code', expected, found: String(code) })
  }
  return objections
}

/** Apple's certificates are new every year: what makes it the same app there is the team. */
function otherSigner(application: Application, last: Application): Omit<Spoken, 'name'> | undefined {
  if (application.teamId !== undefined && last.teamId !== undefined) {
    if (application.teamId === last.teamId) return undefined
    return { expected: `the team ${last.teamId}, as the last release`, found: application.teamId }
  }
  const [lastOwn] = last.certificates
  // One that replaced another names it: devices take that.
  if (lastOwn === undefined || application.certificates.includes(lastOwn)) return undefined
  const found = application.certificates[0] ?? 'no certificate'
  return { expected: `the certificate ${lastOwn} of the last release, or one that it vouches for`, found }
}

function isSameVersion(left: string, right: string): boolean {
  const [first, second] = [parseNativeVersion(left), parseNativeVersion(right)]
  return first && second ? compareNativeVersions(first, second) === 0 : left === right
}

/** What different systems call the same processor. */
const WORDS: Readonly<Record<string, string>> = {
  'arm64-v8a': 'arm64',
  aarch64: 'arm64',
  'armeabi-v7a': 'arm',
  armv7: 'arm',
  armhf: 'arm',
  x64: 'x86_64',
  amd64: 'x86_64',
  x86: 'ia32',
  i386: 'ia32',
  i686: 'ia32',
}

function wordFor(architecture: string): string {
  return WORDS[architecture] ?? architecture
}
