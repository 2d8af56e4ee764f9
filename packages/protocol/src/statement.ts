import { kitContentOf, requirementOfKit, statedKit, type KitContent } from './content/kit.ts'
import type { ReleaseContent } from './content/release-content.ts'
import { parseJson, readObject } from './json-reader.ts'
import { readKitManifest, writeKitManifest } from './kit/index.ts'
import { readReleaseStatement, writeReleaseStatement, type ReleaseStatement } from './release-statement.ts'
import { isSameRequirement } from './requirement.ts'

/** Signing §1: what a publisher signs of any content: of a kit its manifest (Kits §1), of all else a release statement. */
export interface Statement extends Omit<ReleaseStatement, 'type' | 'content'> {
  content: ReleaseContent | null
}

/**
 * Signing §3: for servers and tools, after the signature was verified over the bytes that `text` came from. Engines on
 * devices read release statements alone.
 * @throws UnexpectedJsonError
 */
export function readStatement(text: string): Statement {
  const json = readObject(parseJson(text), '')
  // Neither reader takes what has the mark of the other: no text is two statements.
  if (json.type === undefined && json.schema_version !== undefined) return statementOfKit(text)
  const { type: _, ...statement } = readReleaseStatement(text)
  return statement
}

/** Signing §2: the text whose UTF-8 bytes are signed, stored and sent, unchanged for ever. */
export function writeStatement(statement: Statement): string {
  const { content, ...named } = statement
  if (content?.kind !== 'kit') return writeReleaseStatement({ ...named, content })
  expectOfKit(content, statement)
  const { appId, sequence, floor, createdAt } = statement
  const { kind: _, ...release } = content
  return writeKitManifest({ ...release, appId, sequence, floor, createdAt })
}

function statementOfKit(text: string): Statement {
  const manifest = readKitManifest(text)
  const { appId, releaseId, sequence, floor, createdAt } = manifest
  return {
    appId,
    platform: 'any',
    target: 'release',
    version: releaseId,
    sequence,
    floor,
    requirement: requirementOfKit(manifest),
    ...statedKit(kitContentOf(manifest)),
    createdAt,
  }
}

/** What a manifest says of a release once must not be said otherwise beside it: it would be signed, and mean nothing. */
function expectOfKit(content: KitContent, { platform, target, version, requirement, artifacts }: Statement): void {
  const stated = statedKit(content)
  const isOf =
    platform === 'any' &&
    target === 'release' &&
    version === content.releaseId &&
    isSameRequirement(requirement, requirementOfKit(content)) &&
    JSON.stringify(artifacts.map(({ name, sha256, sizeBytes }) => [name, sha256, sizeBytes])) ===
      JSON.stringify(stated.artifacts.map(({ name, sha256, sizeBytes }) => [name, sha256, sizeBytes]))
  if (!isOf) throw new RangeError(`The statement says something else of ${content.releaseId} than the kit itself.`)
}
