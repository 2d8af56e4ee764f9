import { isSameRequirement, REQUIREMENT_NAMES, type Requirement } from '@hotpatch/protocol'
import type { StatedContent } from '../content/content-kind.ts'

/** What makes a release what it is, besides its name: none of it ever changes. */
export interface ReleaseSubstance {
  /** Undefined: not known yet. */
  stated: StatedContent | undefined
  requirement: Requirement
  /** Undefined: whoever publishes says nothing of them, and those that are there stand. */
  notes: string | undefined
  isSigned: boolean | undefined
}

export interface ReleaseDifference {
  field: string
  expected: string
  found: string
}

/** @param existing all of it is known */
export function findDifferences(existing: ReleaseSubstance, found: ReleaseSubstance): ReleaseDifference[] {
  return [
    ...(existing.stated && found.stated ? contentDifferences(existing.stated, found.stated) : []),
    ...requirementDifferences(existing.requirement, found.requirement),
    ...(found.notes === undefined || found.notes === existing.notes
      ? []
      : [{ field: 'notes', expected: quoted(existing.notes), found: quoted(found.notes) }]),
    // Devices that want signatures would refuse it everywhere: its bundle was signed by nobody.
    ...(found.isSigned && !existing.isSigned
      ? [{ field: 'signature', expected: 'none, as it was published unsigned', found: 'one' }]
      : []),
  ]
}

/** A sentence that names each. */
export function describeDifferences(differences: readonly ReleaseDifference[]): string {
  return differences.map(({ field, expected, found }) => `${field}: expected ${expected}, found ${found}.`).join(' ')
}

function contentDifferences(existing: StatedContent, found: StatedContent): ReleaseDifference[] {
  if (existing.content.kind !== found.content.kind) {
    return [{ field: 'content', expected: existing.content.kind, found: found.content.kind }]
  }
  const expectedDigests = digestsOf(existing)
  const foundDigests = digestsOf(found)
  const names = [...new Set([...expectedDigests.keys(), ...foundDigests.keys()])]
  return names.flatMap((name) => {
    const [expected = 'nothing', digest = 'nothing'] = [expectedDigests.get(name), foundDigests.get(name)]
    return expected === digest ? [] : [{ field: name, expected, found: digest }]
  })
}

function digestsOf({ artifacts }: StatedContent): ReadonlyMap<string, string> {
  return new Map(artifacts.map(({ name, sha256 }) => [name, `SHA-256 ${sha256}`]))
}

function requirementDifferences(existing: Requirement, found: Requirement): ReleaseDifference[] {
  if (isSameRequirement(existing, found)) return []
  const textOf = (value: Requirement[keyof Requirement]) => (value === undefined ? 'none' : [value].flat().join(', '))
  return REQUIREMENT_NAMES.flatMap((name) => {
    const [expected, own] = [textOf(existing[name]), textOf(found[name])]
    return expected === own ? [] : [{ field: name, expected, found: own }]
  })
}

/** Notes may be 10,000 characters long. */
const SHOWN_NOTES = 60

function quoted(text = ''): string {
  return JSON.stringify(text.length > SHOWN_NOTES ? `${text.slice(0, SHOWN_NOTES)}…` : text)
}
