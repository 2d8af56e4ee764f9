import { refusal } from '../refusal.ts'
import { readXml } from '../xml.ts'
import { MAX_PLIST_DEPTH, MAX_PLIST_VALUES, type PlistValue } from './plist-value.ts'

/** A list or a dictionary of which not all was read yet. */
interface Open {
  list?: PlistValue[]
  dictionary?: Map<string, PlistValue>
  key?: string
}

/** Our own over a parser that keeps nothing: the libraries make a tree of the whole text first, and recurse into it. */
export function readXmlPlist(bytes: Buffer, what: string): PlistValue | undefined {
  const open: Open[] = []
  let text = ''
  let top: PlistValue | undefined
  let count = 0

  function put(value: PlistValue): void {
    if ((count += 1) > MAX_PLIST_VALUES) throw refusal(`${what}: expected ${MAX_PLIST_VALUES} values, found more.`)
    const holder = open.at(-1)
    if (!holder) top ??= value
    else if (holder.list) holder.list.push(value)
    else {
      if (holder.key === undefined) throw refusal(`${what}: expected a key in front of each value, found none.`)
      holder.dictionary?.set(holder.key, value)
      delete holder.key
    }
  }

  readXml(bytes, what, {
    open({ name }) {
      text = ''
      if (name !== 'dict' && name !== 'array') return
      if (open.length >= MAX_PLIST_DEPTH) throw refusal(`${what}: expected ${MAX_PLIST_DEPTH} levels, found more.`)
      const value: PlistValue[] | Map<string, PlistValue> = name === 'dict' ? new Map() : []
      put(value)
      open.push(value instanceof Map ? { dictionary: value } : { list: value })
    },
    text: (piece) => void (text += piece),
    close(name) {
      const holder = open.at(-1)
      if (name === 'dict' || name === 'array') open.pop()
      else if (name === 'key' && holder?.dictionary) holder.key = text
      else if (name !== 'plist') put(scalar(name, text, what))
      text = ''
    },
  })
  return top
}

function scalar(name: string, text: string, what: string): PlistValue {
  switch (name) {
    case 'string':
      return text
    case 'integer':
    case 'real':
      return Number(text)
    case 'true':
    case 'false':
      return name === 'true'
    case 'date':
      return new Date(text)
    case 'data':
      return Buffer.from(text, 'base64')
    default:
      throw refusal(`${what}: expected a property list, found the tag <${name.slice(0, 50)}>.`)
  }
}
