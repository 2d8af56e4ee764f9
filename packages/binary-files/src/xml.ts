import { SaxesParser } from 'saxes'
import { refusal } from './refusal.ts'

export interface XmlTag {
  name: string
  attributes: Readonly<Record<string, string>>
}

export interface XmlHandlers {
  open(tag: XmlTag): void
  text?(text: string): void
  close?(name: string): void
}

const MAX_DEPTH = 64
const MAX_TAGS = 200_000

/**
 * Reads XML front to back and keeps nothing. Entities that a document declares itself are unknown to it: so a few lines
 * that stand for gigabytes are refused.
 * @param what such as "Info.plist"
 */
export function readXml(bytes: Buffer, what: string, { open, text, close }: XmlHandlers): void {
  const parser = new SaxesParser()
  let depth = 0
  let tags = 0
  parser.on('error', (error) => {
    throw refusal(`${what}: expected XML, found a fault: ${error.message.slice(0, 200)}`)
  })
  parser.on('opentag', ({ name, attributes }) => {
    if ((depth += 1) > MAX_DEPTH || (tags += 1) > MAX_TAGS) {
      throw refusal(`${what}: expected XML at most ${MAX_DEPTH} deep and of ${MAX_TAGS} tags, found more.`)
    }
    open({ name, attributes })
  })
  parser.on('closetag', ({ name }) => {
    depth -= 1
    close?.(name)
  })
  if (text) {
    parser.on('text', text)
    parser.on('cdata', text)
  }
  parser.write(bytes.toString('utf8')).close()
}
