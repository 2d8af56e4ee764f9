import { Type } from 'typebox'

/** The keyword of a schema by which the server trims a name, and looks at it with `faultOfName`. */
export const NAME_KEYWORD = 'x-display-name'

/**
 * What people read of a person, a token, an app and so on: in lists, in the audit log, on the page of an invitation. It
 * comes as it is seen: whoever reads two that look alike, or one that turns what stands behind it around, is misled.
 */
export function DisplayName(maxLength = 100, options: { description?: string } = {}) {
  return Type.String({ ...options, minLength: 1, maxLength, [NAME_KEYWORD]: true })
}

/** Scripts in which two letters are joined or kept apart by these two; elsewhere they only hide. */
const JOINING = [
  'Arab',
  'Syrc',
  'Mong',
  'Deva',
  'Beng',
  'Guru',
  'Gujr',
  'Orya',
  'Taml',
  'Telu',
  'Knda',
  'Mlym',
  'Sinh',
  'Khmr',
  'Mymr',
  'Tibt',
]
const JOINED = `[${JOINING.map((script) => String.raw`\p{scx=${script}}`).join('')}]`
const JOINER = String.raw`(?<=${JOINED})[\u200C\u200D](?=${JOINED})`
/** Of emoji that are made of several, and of the form that one has. */
const EMOJI_JOINER = String.raw`(?<=[\p{Extended_Pictographic}\p{Emoji_Modifier}\uFE0F])\u200D(?=\p{Extended_Pictographic})`
const EMOJI_FORM = String.raw`(?<=\p{Emoji})[\uFE0E\uFE0F]`
const MEANT = new RegExp([JOINER, EMOJI_JOINER, EMOJI_FORM].join('|'), 'gu')
/** Control characters, line breaks, halves of characters, marks of direction, and what is not seen. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]/gu

/** What is amiss with it, trimmed already, for who wrote it. Undefined when nothing is. */
export function faultOfName(name: string): string | undefined {
  if (name === '') return 'expected a name, found nothing but blanks'
  const unseen = name.replaceAll(MEANT, '').match(UNSEEN)?.[0]
  if (unseen === undefined) return undefined
  const code = (unseen.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')
  return `expected letters, digits, signs and blanks in one line, found the character U+${code}, which is not seen or changes what is`
}

/** Of a name that somebody else's server tells: what is not seen is left out. */
export function seenOfName(name: string): string {
  const meant = faultOfName(name.trim()) === undefined ? name : name.replaceAll(UNSEEN, '')
  return meant.trim()
}
