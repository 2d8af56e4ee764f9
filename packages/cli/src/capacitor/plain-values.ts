/** What stands behind a name in a configuration: a value that can be read, or something that a program works out. */
export type PlainValue = { kind: 'plain'; value: string | boolean | number } | { kind: 'absent' } | { kind: 'computed' }

/** Of the values that stand in one place of a configuration. */
export interface PlainReader {
  read(name: string): PlainValue
  /** What is between the braces behind a name; undefined where there are none, or several. */
  within(name: string): PlainReader | undefined
  /** Without what is between those braces. */
  without(name: string): PlainReader
}

const TOKEN =
  /\/\*[^]*?\*\/|\/\/[^\n]*|"(?:[^"\\\n]|\\[^])*"|'(?:[^'\\\n]|\\[^])*'|`(?:[^`\\]|\\[^])*`|[\w$]+(?:\.\d+)?|[^\s]/g
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '\n': '' }

/**
 * Reads JSON, and of JavaScript and TypeScript what stands there plainly: texts, also joined by "+", numbers, true and
 * false. Nothing of it is run. A name that has several values has none that can be read.
 */
export function createPlainReader(text: string): PlainReader {
  return readerOf([...text.matchAll(TOKEN)].map(([token]) => token).filter((token) => !/^\/[/*]/.test(token)))
}

function readerOf(tokens: readonly string[]): PlainReader {
  return {
    read(name) {
      const values = new Map(
        placesOf(tokens, name).map((place) => {
          const value = valueAt(tokens, place)
          return [value.kind === 'plain' ? value.value : value, value] as const
        }),
      )
      const [only, ...others] = values.values()
      return others.length > 0 ? { kind: 'computed' } : (only ?? { kind: 'absent' })
    },
    within(name) {
      const [only, ...others] = placesOf(tokens, name).filter((place) => tokens[place] === '{')
      return only === undefined || others.length > 0 ? undefined : readerOf(blockAt(tokens, only))
    },
    without(name) {
      const place = placesOf(tokens, name).find((each) => tokens[each] === '{')
      if (place === undefined) return this
      return readerOf([...tokens.slice(0, place), ...tokens.slice(place + blockAt(tokens, place).length)])
    },
  }
}

/** Where the values of a name begin. */
function placesOf(tokens: readonly string[], name: string): number[] {
  return tokens.flatMap((token, index) => {
    const isKey = tokens[index + 1] === ':' && ['{', ',', undefined].includes(tokens[index - 1])
    return isKey && (token === name || textOf(token) === name) ? [index + 2] : []
  })
}

function blockAt(tokens: readonly string[], start: number): readonly string[] {
  let depth = 0
  const length = tokens.slice(start).findIndex((token) => {
    depth += token === '{' ? 1 : token === '}' ? -1 : 0
    return depth === 0
  })
  return tokens.slice(start, length === -1 ? undefined : start + length + 1)
}

function valueAt(tokens: readonly string[], start: number): PlainValue {
  let end = start
  let text = textOf(tokens[end] ?? '')
  for (; text !== undefined && tokens[end + 1] === '+'; end += 2) {
    const more = textOf(tokens[end + 2] ?? '')
    text = more === undefined ? undefined : text + more
  }
  const value = text ?? scalarOf(tokens[end] ?? '')
  const isWhole = [',', '}', undefined].includes(tokens[end + 1])
  return value === undefined || !isWhole ? { kind: 'computed' } : { kind: 'plain', value }
}

function scalarOf(token: string): boolean | number | undefined {
  if (token === 'true' || token === 'false') return token === 'true'
  return /^\d+(?:\.\d+)?$/.test(token) ? Number(token) : undefined
}

/** Undefined when it is no text, or one that a program fills in. */
function textOf(token: string): string | undefined {
  const [quote = ''] = token
  if (!['"', "'", '`'].includes(quote) || token.length < 2) return undefined
  const body = token.slice(1, -1)
  if (quote === '`' && /\$\{/.test(body)) return undefined
  return body.replace(/\\(?:u([0-9a-fA-F]{4})|(\r?[^]))/g, (_, code: string | undefined, other: string | undefined) =>
    code === undefined ? (ESCAPES[other ?? ''] ?? other ?? '') : String.fromCharCode(parseInt(code, 16)),
  )
}
