import {
  expoManifestOf,
  expoUpdateOf,
  problem,
  readExpoDirective,
  readExpoManifest,
  readExpoTime,
  readExpoUpdateId,
  UnexpectedJsonError,
  writeExpoDirective,
  writeExpoManifest,
  type ExpoFile,
  type ExpoManifest,
} from '@hotpatch/protocol'
import type { KeptExpoExport } from '../content/files/expo-export.ts'

/** What a signed answer says, as its own text has it. */
export type ToldAnswer =
  | { says: 'update'; at: number; digestStart: string; manifest: ExpoManifest }
  | { says: 'roll-back'; at: number }

/**
 * Expo §11: strictly, as whatever is signed is served as it is.
 * @throws problem invalid-request
 */
export function readAnswer(body: string, index: number): ToldAnswer {
  try {
    return body.includes('"launchAsset"') ? readUpdate(body, index) : readDirective(body, index)
  } catch (error) {
    if (!(error instanceof UnexpectedJsonError)) throw error
    throw problem('invalid-request', `answers/${index}/body: ${error.message}`, {}, { cause: error })
  }
}

function readUpdate(body: string, index: number): ToldAnswer {
  const manifest = readExpoManifest(body)
  const identity = readExpoUpdateId(manifest.id)
  if (!identity || identity.at !== readExpoTime(manifest.createdAt)) {
    throw unfit(index, 'an id of this server for the time in createdAt', manifest.id)
  }
  return { says: 'update', ...identity, manifest }
}

function readDirective(body: string, index: number): ToldAnswer {
  const directive = readExpoDirective(body)
  if (writeExpoDirective(directive) !== body) throw unfit(index, writeExpoDirective(directive), body)
  if (directive.type !== 'rollBackToEmbedded') throw unfit(index, 'a manifest or a roll-back', directive.type)
  return { says: 'roll-back', at: readExpoTime(directive.parameters.commitTime) ?? 0 }
}

/** The content that an answer is about. */
export interface AnsweredContent {
  /** Of its `files.json`. */
  sha256: string
  exported: KeptExpoExport
  files: readonly ExpoFile[]
}

/**
 * What the server would itself have sent, but for who has signed it.
 * @returns in front of the digest of each file
 * @throws problem invalid-request at the first character that differs
 */
export function requireSame(
  { manifest, at }: Extract<ToldAnswer, { says: 'update' }>,
  body: string,
  { sha256, exported, files }: AnsweredContent,
  { appNames, index }: { appNames: readonly string[]; index: number },
): string {
  const { config, ...listed } = exported
  const { runtimeVersion } = manifest
  const assetsUrl = manifest.launchAsset.url.replace(/\/[0-9a-f]{64}$/, '')
  if (!appNames.some((name) => assetsUrl.endsWith(`/expo/${name}/assets`))) {
    throw unfit(index, `addresses of ${appNames.map((name) => `/expo/${name}/assets`).join(' or ')}`, assetsUrl)
  }
  const update = expoUpdateOf(listed, files, { sha256, runtimeVersion, config })
  const expected = writeExpoManifest(expoManifestOf(update, { at, place: '', assetsUrl }))
  if (expected === body) return assetsUrl
  let place = 0
  while (place < expected.length && expected[place] === body[place]) place++
  const part = (text: string) => text.slice(Math.max(0, place - 20), place + 40)
  throw unfit(index, `what the export has: ${part(expected)}`, part(body))
}

function unfit(index: number, expected: string, found: string) {
  return problem('invalid-request', `answers/${index}/body: expected ${expected}, found ${found.slice(0, 200)}.`)
}
