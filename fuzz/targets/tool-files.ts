import { parsePlainJson } from '@hotpatch/protocol'
import { parse as parseToml } from 'smol-toml'
import { createPlainReader } from '../../packages/cli/src/capacitor/plain-values.ts'
import { readProject } from '../../packages/cli/src/config/project-file.ts'
import { capgoKeyIdOf, parseCapgoKey } from '../../packages/cli/src/encryption/capgo-key.ts'
import { setInJson } from '../../packages/cli/src/files/json-text.ts'
import { readBundles, readRows } from '../../packages/cli/src/importing/hot-updater-history.ts'
import { readSparklePublicKey, readSparkleSignature } from '../../packages/cli/src/signing/sparkle-text.ts'
import { Broken, type Target } from '../engine/target.ts'
import { forEachReader, readerFor, textOf } from '../reading/texts.ts'

const READERS: readonly ((text: string) => unknown)[] = [
  (text) => readProject(text, 'hotpatch.json'),
  (text) => {
    const reader = createPlainReader(text)
    return [reader.read('appId'), reader.within('plugins')?.read('key'), reader.without('plugins').read('url')]
  },
  (text) => {
    const edited = setInJson(text, ['expo', 'url'], 'https://x')
    const { expo } = JSON.parse(edited) as { expo: { url: unknown } }
    if (expo.url !== 'https://x') throw new Broken('a value that was set is not there')
  },
  (text) => readBundles(readRows(text)),
  (text) => parsePlainJson(JSON.stringify(parseToml(text)), 100_000),
  (text) => [capgoKeyIdOf(text), parseCapgoKey(text, 'key')],
  readSparkleSignature,
  readSparklePublicKey,
]

const REFUSALS = ['UnexpectedJsonError', 'CommandError', 'UsageError', 'TomlError', 'SyntaxError']

export const target: Target = {
  reads: 'files of projects that the tool reads: JSON, TOML, configurations, keys, histories of others',
  maxBytes: 1_500,
  words: [
    '= 1979-05-27T07:32:00Z',
    '[[a.b]]',
    '"""',
    'inf',
    'nan',
    '0x1F',
    '{ a.b = 1 }',
    '-----BEGIN PRIVATE KEY-----',
  ],
  read(input) {
    const [read, bytes] = readerFor(READERS, input)
    return read(textOf(bytes))
  },
  refuses: (error) =>
    error instanceof Error && (REFUSALS.includes(error.name) || error.constructor.name === 'TomlError'),
}

export function seeds() {
  return forEachReader(READERS.length, [
    '{"app":"demo","url":"https://updates.example.com","platforms":["ios"],"defaults":{"channel":"staging"}}',
    "const config: CapacitorConfig = { appId: 'com.example', plugins: { Updater: { key: 'a' + \"b\", url: `x` } } } // why",
    '{\n  "expo": { "name": "a" }\n}\n',
    '[{"id":"019b2b80-0000-7000-8000-000000000000","platform":"ios","file_hash":"aa","enabled":true}]\n{"a":1}',
    'release_id = "r1"\nat = 2027-01-01T00:00:00Z\n[components.web]\nkind = "folder"\nlist = [1, 2.5, true, """x"""]\n',
    'sparkle:edSignature="AAAA" length="7"',
    '-----BEGIN RSA PUBLIC KEY-----\nMIIB\n-----END RSA PUBLIC KEY-----',
  ])
}
