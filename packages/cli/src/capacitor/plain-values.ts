/** What stands behind a name in a configuration: a value that can be read, or something that a program works out. */
export type PlainValue = { kind: 'plain'; value: string | boolean | number } | { kind: 'absent' } | { kind: 'computed' }

const TOKEN =
  /\/\*[^]*?\*\/|\/\/[^\n]*|"(?:[^"\\\n]|\\[^])*"|'(?:[^'\\\n]|\\[^])*'|`(?:[^`\\]|\\[^])*`|[\w$]+(?:\.\d+)?|[^\s]/g
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '\n': '' }

/**
 * Reads JSON, and of JavaScript and TypeScript what stands there plainly: texts, also joined by "+", numbers, true and
 * false. Nothing of it is run. A name that has several values has none that can be read.
 */
export function createPlainReader(text: string): (name: string) => PlainValue {
  const tokens = [...text.matchAll(TOKEN)].map(([token]) => token).filter((token) => !/^\/[/*]/.test(token))
  return (name) => {
    const values = new Map<unknown, PlainValue>()
    for (const [index, token] of tokens.entries()) {
      const isKey = tokens[index + 1] === ':' && ['{', ',', undefined].includes(tokens[index - 1])
      if (!isKey || (token !== name && textOf(token) !== name)) continue
      const value = valueAt(tokens, index + 2)
      values.set(value.kind === 'plain' ? value.value : value, value)
    }
    const [only, ...others] = values.values()
    if (others.length > 0) return { kind: 'computed' }
    return only ?? { kind: 'absent' }
  }
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
