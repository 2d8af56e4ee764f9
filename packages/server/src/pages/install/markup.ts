/** Text that is HTML already: everything else that is put into it is escaped. */
export class Html {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

type Part = string | number | Html | undefined | false | readonly Html[]

/** Writes HTML, and XML: `markup\`<p>${anything}</p>\``. What is undefined or false is nothing. */
export function markup(texts: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return new Html(texts.map((text, index) => (index === 0 ? text : `${written(parts[index - 1])}${text}`)).join(''))
}

function written(part: Part): string {
  if (part === undefined || part === false) return ''
  if (part instanceof Html) return part.text
  if (typeof part === 'object') return part.map(({ text }) => text).join('')
  return escaped(String(part))
}

/** What neither HTML nor XML 1.0 has, however it is written: whoever reads strictly would read none of it. */
const IN_NEITHER = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu

function escaped(text: string): string {
  return text.replace(IN_NEITHER, '\u{FFFD}').replace(/[&<>"']/g, (found) => `&#${found.charCodeAt(0)};`)
}
