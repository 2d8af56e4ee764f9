import { findMinisignKeyLine, readMinisignSignature } from '@hotpatch/signatures'
import { CommandError, hasCode, systemReason } from '../errors/errors.ts'
import { readPlainText } from '../files/read-plain-text.ts'

/** What stands in a `.sig` or `.minisig`, as clients are told it (Signing §10.1); undefined when that is no minisign. */
export async function readMinisignFile(path: string): Promise<{ value: string; keyId: string } | undefined> {
  const text = (await readText(path)).trim()
  // Minisign itself writes the text, Tauri the text in base64.
  const value = text.startsWith('untrusted comment:') ? Buffer.from(`${text}\n`).toString('base64') : text
  const signature = readMinisignSignature(value)
  return signature && { value, keyId: signature.keyId }
}

/**
 * The line with the key, of a file that has it: of minisign or of Tauri, or a `tauri.conf.json`.
 * @throws CommandError file-missing, file-unreadable or key-unreadable, without a word of what is in the file
 */
export async function readMinisignPublicKey(path: string): Promise<string> {
  const text = (await readText(path)).trim()
  const line = findMinisignKeyLine(text.startsWith('{') ? pubkeyOf(text) : text)
  if (line !== undefined) return line
  const isSecret = [text, Buffer.from(text, 'base64').toString('latin1')].some((each) => / secret key/.test(each))
  const found = isSecret ? 'the secret half, which stays with you: give the file that ends in .pub' : 'none'
  throw new CommandError(
    'key-unreadable',
    `Expected a public key of minisign in ${path}, or a tauri.conf.json with plugins.updater.pubkey; found ${found}.`,
  )
}

async function readText(path: string): Promise<string> {
  try {
    return await readPlainText(path)
  } catch (cause) {
    if (cause instanceof CommandError) throw cause
    if (hasCode(cause, 'ENOENT')) throw new CommandError('file-missing', `There is no file ${path}.`, { cause })
    throw new CommandError('file-unreadable', `${path} cannot be read: ${systemReason(cause)}.`, { cause })
  }
}

function pubkeyOf(text: string): string {
  try {
    const { plugins } = JSON.parse(text) as { plugins?: { updater?: { pubkey?: unknown } } }
    const pubkey = plugins?.updater?.pubkey
    return typeof pubkey === 'string' ? pubkey : ''
  } catch {
    return '' // no JSON, which has none
  }
}
