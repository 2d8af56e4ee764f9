import {
  parsePlainJson,
  readAttributeRules,
  compileRules,
  readExpoDirective,
  readExpoExport,
  readExpoManifest,
  readExpoTime,
  readExpoUpdateId,
  readFilesManifest,
  readHotUpdaterManifest,
  readInstalledKit,
  readKitContent,
  readKitManifest,
  readKitRelease,
  readReleaseStatement,
  readStatement,
  UnexpectedJsonError,
} from '@hotpatch/protocol'
import { readAnswer } from '../../packages/server/src/shipping/signed-answers/read-answer.ts'
import { Broken, type Target } from '../engine/target.ts'
import { isReaderRefusal } from '../reading/refusals.ts'
import { forEachReader, jsonIn, readerFor, textOf } from '../reading/texts.ts'
import { vectorJson } from '../reading/vector-texts.ts'

const READERS: readonly ((text: string) => unknown)[] = [
  readStatement,
  readReleaseStatement,
  readFilesManifest,
  readKitManifest,
  readKitRelease,
  readKitContent,
  readInstalledKit,
  readExpoManifest,
  readExpoDirective,
  readExpoExport,
  (text) => readAnswer(text, 0),
  readHotUpdaterManifest,
  (text) => [readExpoUpdateId(text), readExpoTime(text)],
  (text) => {
    const rules = jsonIn(Buffer.from(text))
    return rules === undefined ? undefined : compileRules(readAttributeRules(rules))
  },
  (text) => {
    const plain = parsePlainJson(text, 10_000)
    if (JSON.stringify(plain) !== JSON.stringify(JSON.parse(text)))
      throw new Broken('JSON that reads as something else')
    // Whatever was taken reads as itself when it is written again.
    try {
      parsePlainJson(JSON.stringify(plain), 100_000)
    } catch (error) {
      if (!(error instanceof UnexpectedJsonError) || JSON.stringify(plain).length > 10_000) throw error
      throw new Broken('plain JSON that is none when it is written again')
    }
    return plain
  },
]

export const target: Target = {
  reads: 'statements, lists of files, manifests of kits and of clients of others, rules, plain JSON',
  maxBytes: 3_000,
  read(input) {
    const [read, bytes] = readerFor(READERS, input)
    return read(textOf(bytes))
  },
  refuses: isReaderRefusal,
}

export function seeds() {
  const texts = [
    ...vectorJson('{signing,files-manifest,expo-wire,expo-identity,attribute-rules,json,trees}.json', [
      'statement',
      'text',
      'manifest',
      'body',
      'json',
      'rules',
      'files',
      'id',
      'time',
      'directive',
    ]),
    ...vectorJson('kit/{manifests,installed,offers}.json', ['text', 'manifest', 'json', 'installed']),
    '{"type":"rollBackToEmbedded","parameters":{"commitTime":"2027-01-01T00:00:00.000Z"}}',
    '{"version":0,"bundler":"metro","fileMetadata":{"ios":{"bundle":"_expo/a.hbc","assets":[{"path":"assets/b","ext":"png"}]}}}',
    '{"bundleId":"019b2b80-0000-7000-8000-000000000000","assets":{"index.js":{"fileHash":"aa"}}}',
    '[{"attribute":"osVersion","range":">=14"}]',
  ].filter((text) => text.length < 3_000)
  return forEachReader(READERS.length, texts.slice(0, 120))
}
