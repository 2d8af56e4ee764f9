/** Signing §10.1: what minisign writes. Every line of base64 is in its one spelling, as for all signatures here. */

/** Two bytes of algorithm, eight of the key's id, 32 of the key. */
const KEY_BYTES = 42
const SIGNATURE_BYTES = 74
const GLOBAL_BYTES = 64
const TRUSTED = 'trusted comment: '
const MAX_TEXT_LENGTH = 4_096

export interface MinisignKey {
  keyId: string
  /** The 32 raw bytes in base64. */
  publicKey: string
}

export interface MinisignSignature {
  /** `ED`: over the BLAKE2b-512 of the file; `Ed`: over the file itself. */
  algorithm: string
  keyId: string
  signature: Buffer
  trustedComment: string
  /** Over the signature and the trusted comment. */
  globalSignature: Buffer
}

/**
 * The line with the key, of a text that has it as minisign writes it, or as Tauri's `pubkey` has it: the whole text in
 * base64. Undefined when there is none.
 */
export function findMinisignKeyLine(text: string): string | undefined {
  if (text.length > MAX_TEXT_LENGTH) return undefined
  const lines = linesOf(unwrap(text.trim()) ?? text)
  return lines.find((line) => !line.startsWith('untrusted comment:') && readMinisignKey(line) !== undefined)
}

export function readMinisignKey(line: string): MinisignKey | undefined {
  const bytes = decode(line, KEY_BYTES)
  if (bytes?.toString('latin1', 0, 2) !== 'Ed') return undefined
  return { keyId: bytes.toString('hex', 2, 10), publicKey: bytes.toString('base64', 10) }
}

/** @param value the whole text in base64, as Tauri writes a `.sig` and clients are told it */
export function readMinisignSignature(value: string): MinisignSignature | undefined {
  if (value.length > MAX_TEXT_LENGTH) return undefined
  const text = unwrap(value)
  const [comment = '', first = '', trusted = '', last = '', ...others] = linesOf(text ?? '')
  const bytes = decode(first, SIGNATURE_BYTES)
  const globalSignature = decode(last, GLOBAL_BYTES)
  const isWhole = comment.startsWith('untrusted comment: ') && trusted.startsWith(TRUSTED) && others.length === 0
  if (!isWhole || !bytes || !globalSignature) return undefined
  return {
    algorithm: bytes.toString('latin1', 0, 2),
    keyId: bytes.toString('hex', 2, 10),
    signature: bytes.subarray(10),
    trustedComment: trusted.slice(TRUSTED.length),
    globalSignature,
  }
}

/** What a trusted comment says under a name: `timestamp:1795893300	file:app.zip	version:1.2.0`. */
export function findInComment(trustedComment: string, name: string): string | undefined {
  const field = trustedComment.split('\t').find((field) => field.startsWith(`${name}:`))
  return field?.slice(name.length + 1)
}

/** Undefined when it is not base64 of a text. */
function unwrap(value: string): string | undefined {
  const bytes = decode(value)
  const text = bytes?.toString('utf8')
  return text !== undefined && Buffer.from(text, 'utf8').equals(bytes ?? Buffer.alloc(0)) ? text : undefined
}

function linesOf(text: string): string[] {
  return text.replaceAll('\r\n', '\n').replace(/\n$/, '').split('\n')
}

function decode(line: string, length?: number): Buffer | undefined {
  const bytes = Buffer.from(line, 'base64')
  return bytes.toString('base64') === line && (length === undefined || bytes.length === length) ? bytes : undefined
}
