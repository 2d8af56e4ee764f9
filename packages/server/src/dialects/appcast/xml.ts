/** What XML 1.0 allows; the rest no parser takes, however it is escaped. */
const NOT_XML = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu
const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  // A parser would make a space of them in an attribute, and a line end of the last one anywhere.
  '\t': '&#9;',
  '\n': '&#10;',
  '\r': '&#13;',
  // Line ends of XML 1.1 and of Unicode, which some parsers read in XML 1.0 too.
  '\u0085': '&#133;',
  '\u2028': '&#8232;',
  '\u2029': '&#8233;',
}

/** In an attribute. */
export function attribute(value: string): string {
  return clean(value).replace(/[&<>"'\t\n\r\u0085\u2028\u2029]/g, (found) => ENTITIES[found] ?? found)
}

/** Between tags; ">" too, so that "]]>" is never there. */
export function text(value: string): string {
  return clean(value).replace(/[&<>\r\u0085\u2028\u2029]/g, (found) => ENTITIES[found] ?? found)
}

function clean(value: string): string {
  return value.toWellFormed().replace(NOT_XML, '\u{FFFD}')
}

export interface Element {
  name: string
  attributes?: Readonly<Record<string, string | undefined>>
  children?: readonly Element[] | string
}

/** Undefined attributes are left out. */
export function writeElement({ name, attributes = {}, children = '' }: Element, indent = ''): string {
  const written = Object.entries(attributes)
    .filter((entry): entry is [string, string] => entry[1] !== undefined)
    .map(([key, value]) => ` ${key}="${attribute(value)}"`)
    .join('')
  if (children.length === 0) return `${indent}<${name}${written}/>`
  if (typeof children === 'string') return `${indent}<${name}${written}>${text(children)}</${name}>`
  const inner = children.map((child) => writeElement(child, `${indent}  `)).join('\n')
  return `${indent}<${name}${written}>\n${inner}\n${indent}</${name}>`
}
