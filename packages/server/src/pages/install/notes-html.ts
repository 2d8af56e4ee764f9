import MarkdownIt from 'markdown-it'

/** More than anybody reads of one release. */
const MAX_NOTES_CHARACTERS = 20_000
const MAX_NESTING = 20
/** Rendered notes that are kept: a page has some fifty. */
const MAX_KEPT = 500

/**
 * No HTML of the notes' own, no pictures from elsewhere, and no tables, of which a few letters are thousands of cells.
 */
const markdown = new MarkdownIt({ html: false, linkify: false, maxNesting: MAX_NESTING }).disable(['image', 'table'])

/** Others are for other programs than a browser, in apps that show the notes, too. */
markdown.validateLink = (address) => /^(?:https?:\/\/|mailto:)/i.test(address)

// The page's own headings are its outline: those of notes would be at no place in it.
markdown.renderer.rules.heading_open = () => '<p class="heading">'
markdown.renderer.rules.heading_close = () => '</p>\n'
markdown.renderer.rules.link_open = (tokens, index, options, _environment, renderer) => {
  tokens[index]?.attrSet('rel', 'noopener noreferrer nofollow')
  return renderer.renderToken(tokens, index, options)
}

const kept = new Map<string, string>()

/** Release notes, which are Markdown, for a page. */
export function notesHtml(notes: string): string {
  const found = kept.get(notes)
  if (found !== undefined) return found
  const isLong = notes.length > MAX_NOTES_CHARACTERS
  const html = markdown.render(isLong ? `${notes.slice(0, MAX_NOTES_CHARACTERS)}…` : notes)
  const [oldest] = kept.keys()
  if (kept.size >= MAX_KEPT && oldest !== undefined) kept.delete(oldest)
  kept.set(notes, html)
  return html
}
