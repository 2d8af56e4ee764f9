import {
  readArray,
  readBinaryRange,
  readInteger,
  readObject,
  readString,
  UnexpectedJsonError,
  type BinaryRange,
} from '@hotpatch/protocol'

/** A release as a CodePush server has it in the history of a deployment. */
export interface CodePushRelease {
  /** 12 of v12. */
  labelNumber: number
  range: BinaryRange
  notes: string
  isDisabled: boolean
  isMandatory: boolean
  percentage: number
  packageHash: string
  /** Where its zip lies; undefined: nowhere that is named. */
  blobUrl: string | undefined
  sizeBytes: number
  uploadedAt: number
}

export interface CodePushDeployment {
  name: string
  key: string
  /** Oldest first. */
  releases: readonly CodePushRelease[]
  /** Of those that cannot be read, in words. */
  unreadable: readonly { label: string; reason: string }[]
}

const MAX_APPS = 1_000
const MAX_DEPLOYMENTS = 200
/** The original keeps 50. */
const MAX_RELEASES = 10_000
const MAX_COLLABORATORS = 1_000
const SHA_256 = /^[0-9a-f]{64}$/
const LABEL = /^v([1-9][0-9]{0,8})$/
const NAME = /^[^/\p{Cc}]{1,200}$/u

export interface CodePushApp {
  name: string
  /** Their addresses. */
  collaborators: readonly string[]
}

/** `{ "apps": […] }`, or what the tool prints of it. */
export function readApps(json: unknown): CodePushApp[] {
  return readArray(Array.isArray(json) ? json : readObject(json, '').apps, '/apps', MAX_APPS).map((value, index) => {
    const pointer = `/apps/${index}`
    const { name, collaborators } = readObject(value, pointer)
    const people = collaborators === undefined || collaborators === null ? {} : readObject(collaborators, pointer)
    return { name: readName(name, `${pointer}/name`), collaborators: Object.keys(people).slice(0, MAX_COLLABORATORS) }
  })
}

/** `{ "deployments": […] }`, or what the tool prints of it: names and keys. */
export function readDeployments(json: unknown): Pick<CodePushDeployment, 'name' | 'key'>[] {
  const items = Array.isArray(json) ? json : readObject(json, '').deployments
  return readArray(items, '/deployments', MAX_DEPLOYMENTS).map((value, index) => {
    const pointer = `/deployments/${index}`
    const { name, key } = readObject(value, pointer)
    return { name: readName(name, `${pointer}/name`), key: readString(key, `${pointer}/key`) }
  })
}

/** `{ "history": […] }`, or what the tool prints of it. What one of them lacks is no reason to lose the others. */
export function readHistory(json: unknown): Pick<CodePushDeployment, 'releases' | 'unreadable'> {
  const items = readArray(Array.isArray(json) ? json : readObject(json, '').history, '/history', MAX_RELEASES)
  const releases: CodePushRelease[] = []
  const unreadable: { label: string; reason: string }[] = []
  for (const [index, value] of items.entries()) {
    const pointer = `/history/${index}`
    const fields = readObject(value, pointer)
    const [label = '', number] = LABEL.exec(readString(fields.label, `${pointer}/label`)) ?? []
    if (number === undefined) throw new UnexpectedJsonError(`${pointer}/label`, 'a label such as v12', fields.label)
    try {
      releases.push({ labelNumber: Number(number), ...readRelease(fields, pointer) })
    } catch (error) {
      if (!(error instanceof UnexpectedJsonError)) throw error
      unreadable.push({ label, reason: error.message })
    }
  }
  requireRising(releases)
  return { releases, unreadable }
}

function readRelease(fields: Record<string, unknown>, pointer: string): Omit<CodePushRelease, 'labelNumber'> {
  const { appVersion, description, isDisabled, isMandatory, rollout, packageHash, blobUrl, size, uploadTime } = fields
  const range = readBinaryRange(readString(appVersion, `${pointer}/appVersion`))
  if (!range) throw new UnexpectedJsonError(`${pointer}/appVersion`, 'a version or range of the binary', appVersion)
  return {
    range,
    notes: isAbsent(description) ? '' : readString(description, `${pointer}/description`),
    isDisabled: readFlag(isDisabled, `${pointer}/isDisabled`),
    isMandatory: readFlag(isMandatory, `${pointer}/isMandatory`),
    percentage: isAbsent(rollout) ? 100 : readPercentage(rollout, `${pointer}/rollout`),
    packageHash: readString(packageHash, `${pointer}/packageHash`, { pattern: SHA_256, expected: 'a SHA-256 in hex' }),
    blobUrl: isAbsent(blobUrl) ? undefined : readString(blobUrl, `${pointer}/blobUrl`),
    sizeBytes: isAbsent(size) ? 0 : readInteger(size, `${pointer}/size`, 0),
    uploadedAt: isAbsent(uploadTime) ? 0 : readInteger(uploadTime, `${pointer}/uploadTime`, 0),
  }
}

/** What is in force follows from the order. */
function requireRising(releases: readonly CodePushRelease[]): void {
  for (const [index, { labelNumber }] of releases.entries()) {
    const before = releases[index - 1]?.labelNumber ?? 0
    if (labelNumber > before) continue
    throw new UnexpectedJsonError(
      `/history/${index}/label`,
      `a label above v${before}, oldest first`,
      `v${labelNumber}`,
    )
  }
}

function readPercentage(value: unknown, pointer: string): number {
  const percentage = readInteger(value, pointer, 0)
  if (percentage <= 100) return percentage
  throw new UnexpectedJsonError(pointer, 'a percentage', value)
}

function readFlag(value: unknown, pointer: string): boolean {
  if (isAbsent(value)) return false
  if (typeof value === 'boolean') return value
  throw new UnexpectedJsonError(pointer, 'true or false', value)
}

const readName = (value: unknown, pointer: string) =>
  readString(value, pointer, { pattern: NAME, expected: 'a name of at most 200 characters without a slash' })

const isAbsent = (value: unknown) => value === undefined || value === null
