/** Appcast §7: a feed that its publisher has signed as a whole, as Sparkle with `SURequireSignedFeed` wants it. */
export interface SignedAppcast {
  /** What the signature is over: everything before it. */
  content: string
  /** Base64. */
  value: string
}

const BEGIN = '<!-- sparkle-signatures:\n'
const TRAILER = /^edSignature: ([A-Za-z0-9+/]{86}==)\nlength: ([0-9]{1,9})\n-->\n?$/

/** As `sign_update` writes it. */
export function writeSignedAppcast({ content, value }: SignedAppcast): string {
  return `${content}${BEGIN}edSignature: ${value}\nlength: ${Buffer.byteLength(content)}\n-->\n`
}

/**
 * Sparkle looks for the last signature, and takes what is before it. Here nothing may follow, and the length has to be
 * true: then there is one way only to read it.
 * @returns what was expected and what was found, where it is none
 */
export function readSignedAppcast(text: string): SignedAppcast | string {
  const at = text.lastIndexOf(BEGIN)
  if (at < 0) return 'expected "<!-- sparkle-signatures:" and a signature at the end, found none'
  const [, value, length] = TRAILER.exec(text.slice(at + BEGIN.length)) ?? []
  if (value === undefined) {
    return 'expected the lines "edSignature: …" and "length: …" and "-->" at the end, as sign_update writes them, found something else'
  }
  const content = text.slice(0, at)
  const bytes = Buffer.byteLength(content)
  if (Number(length) !== bytes) return `length: expected ${bytes}, as many bytes as are signed, found ${length}`
  return { content, value }
}
