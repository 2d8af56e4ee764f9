import { readSignedAppcast } from '../../packages/signatures/src/signed-appcast.ts'
import { minisign } from '../../packages/signatures/src/minisign.ts'
import {
  findInComment,
  findMinisignKeyLine,
  readMinisignKey,
  readMinisignSignature,
} from '../../packages/signatures/src/minisign-text.ts'
import { sparkleEd25519 } from '../../packages/signatures/src/sparkle-ed25519.ts'
import { readCertificate, readChain } from '../../packages/server/src/shipping/signed-answers/certificate.ts'
import { readClaimed } from '../../packages/server/src/people/issuers/verify-identity-token.ts'
import { meets } from '../../packages/server/src/people/trust/match-claim.ts'
import { Broken, type Target } from '../engine/target.ts'
import { isReaderRefusal } from '../reading/refusals.ts'
import { forEachReader, jsonIn, readerFor, textOf } from '../reading/texts.ts'
import { vectorTexts } from '../reading/vector-texts.ts'

const NOW = 1_800_000_000_000

async function* noBytes(): AsyncGenerator<Uint8Array> {}

const READERS: readonly ((text: string) => unknown)[] = [
  (text) => {
    const line = findMinisignKeyLine(text)
    if (line !== undefined && !readMinisignKey(line)) throw new Broken('a line with a key that is none')
    return readMinisignKey(text)
  },
  (text) => {
    const signature = readMinisignSignature(text) ?? readMinisignSignature(Buffer.from(text).toString('base64'))
    if (signature && signature.signature.length !== 64) throw new Broken('a signature of another length')
    return signature && findInComment(signature.trustedComment, 'version')
  },
  async (text) => {
    const [publicKey = '', value = ''] = text.split('\n\n')
    const wrapped = Buffer.from(value).toString('base64')
    if ((await minisign.findFault({ publicKey, value: wrapped, bytes: noBytes(), version: '1.0.0' })) === undefined) {
      throw new Broken('a signature that came of chance')
    }
  },
  (text) => {
    const [publicKey = '', value = ''] = text.split('\n')
    return sparkleEd25519.findFault({ publicKey, value, bytes: noBytes(), version: '1.0.0' }).then(() => undefined)
  },
  readSignedAppcast,
  (text) => readCertificate(text, NOW),
  (text) => {
    const [leaf = '', ...chain] = text.split(/(?<=-----END CERTIFICATE-----\n)/)
    return readChain(chain.join(''), readCertificate(leaf, NOW), NOW)
  },
  readClaimed,
  (text) => {
    const read = jsonIn(Buffer.from(text)) as
      | { claims?: Record<string, unknown>; claim?: unknown; matches?: unknown }
      | undefined
    if (
      typeof read?.claim !== 'string' ||
      typeof read.matches !== 'string' ||
      typeof read.claims !== 'object' ||
      !read.claims
    )
      return
    return meets(read.claims, { claim: read.claim, matches: read.matches })
  },
]

export const target: Target = {
  reads: 'keys and signatures of minisign and Sparkle, certificates, identity tokens and what rules ask of them',
  maxBytes: 2_500,
  words: [
    'untrusted comment: ',
    'trusted comment: ',
    'version:',
    '-----BEGIN CERTIFICATE-----\n',
    '-----END CERTIFICATE-----\n',
    'eyJhbGciOiJSUzI1NiJ9.',
  ],
  read(input) {
    const [read, bytes] = readerFor(READERS, input)
    return read(textOf(bytes))
  },
  refuses: isReaderRefusal,
}

export function seeds() {
  const jwt = [
    { alg: 'RS256', kid: 'a', typ: 'JWT' },
    { iss: 'https://issuer.example.com', aud: 'hotpatch', sub: 'repo:a/b' },
  ].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
  const texts = [
    ...vectorTexts('minisign*.json').filter((text) => text.length > 20 && text.length < 1_000),
    `${jwt.join('.')}.c2ln`,
    '{"claims":{"sub":"repo:acme/app:ref:refs/heads/main","list":["a"]},"claim":"sub","matches":"repo:acme/*:ref:*"}',
    '<rss/>\n<!-- sparkle-signatures:\nedSignature: AA==\nlength: 7\n-->\n',
  ]
  return forEachReader(READERS.length, texts.slice(0, 60))
}
