import { UnexpectedJsonError } from '@hotpatch/protocol'

interface Member {
  key: string
  keyStart: number
  value: Node
}

/** A value of a JSON text, and where it stands. */
interface Node {
  start: number
  end: number
  /** Of an object. */
  members?: Member[]
}

const TOKEN = /\s*("(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+)/y

/**
 * A JSON text with one more value: all else, the order and the white space too, stays as it is.
 * @throws UnexpectedJsonError where something else than an object stands on the way
 */
export function setInJson(text: string, path: readonly string[], value: unknown): string {
  const root = parseNodes(text)
  let node = root
  for (const [depth, key] of path.entries()) {
    const pointer = `/${path.slice(0, depth).join('/')}`
    if (!node.members) throw new UnexpectedJsonError(pointer, 'an object', JSON.parse(text.slice(node.start, node.end)))
    const found = node.members.findLast((member) => member.key === key)
    if (!found) {
      const rest = path.slice(depth + 1).reduceRight<unknown>((inner, name) => ({ [name]: inner }), value)
      return insert(text, { start: node.start, end: node.end, members: node.members }, key, rest)
    }
    node = found.value
  }
  const before = text.slice(0, node.start)
  return before + written(value, text, indentAt(text, node.start)) + text.slice(node.end)
}

function insert(text: string, { start, end, members }: Required<Node>, key: string, value: unknown): string {
  const last = members.at(-1)
  const outer = indentAt(text, start)
  const isOnOneLine = last !== undefined && !text.slice(start, end).includes('\n')
  const indent = last === undefined ? outer + unitOf(text) : indentAt(text, last.keyStart)
  const member = `${JSON.stringify(key)}: `
  if (isOnOneLine)
    return `${text.slice(0, last.value.end)}, ${member}${JSON.stringify(value)}${text.slice(last.value.end)}`
  const line = `${lineEnd(text)}${indent}${member}${written(value, text, indent)}`
  if (last) return `${text.slice(0, last.value.end)},${line}${text.slice(last.value.end)}`
  return `${text.slice(0, start)}{${line}${lineEnd(text)}${outer}}${text.slice(end)}`
}

function written(value: unknown, text: string, indent: string): string {
  return JSON.stringify(value, null, unitOf(text)).replaceAll('\n', `${lineEnd(text)}${indent}`)
}

const lineEnd = (text: string) => (text.includes('\r\n') ? '\r\n' : '\n')
const unitOf = (text: string) => /\n([ \t]+)\S/.exec(text)?.[1] ?? '  '

/** The white space that the line of a place begins with. */
function indentAt(text: string, place: number): string {
  const lineStart = text.lastIndexOf('\n', place - 1) + 1
  return /^[ \t]*/.exec(text.slice(lineStart, place))?.[0] ?? ''
}

/** Of a text that is JSON: @throws SyntaxError when it is not. */
function parseNodes(text: string): Node {
  JSON.parse(text)
  let place = 0
  function next(): { token: string; start: number; end: number } {
    TOKEN.lastIndex = place
    const [, token = ''] = TOKEN.exec(text) ?? []
    place = TOKEN.lastIndex
    return { token, start: place - token.length, end: place }
  }
  function peek(): string {
    const before = place
    const { token } = next()
    place = before
    return token
  }
  function members(): Member[] {
    const found: Member[] = []
    while (peek() !== '}') {
      if (peek() === ',') next()
      const { token, start } = next()
      next()
      found.push({ key: JSON.parse(token) as string, keyStart: start, value: value() })
    }
    return found
  }
  function value(): Node {
    const { token, start, end } = next()
    if (token === '{') {
      const found = members()
      return { start, end: next().end, members: found }
    }
    if (token !== '[') return { start, end }
    while (peek() !== ']') {
      if (peek() === ',') next()
      value()
    }
    return { start, end: next().end }
  }
  return value()
}
