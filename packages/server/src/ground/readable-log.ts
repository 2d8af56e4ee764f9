import { stripVTControlCharacters, styleText } from 'node:util'
import type { LogStream } from './log.ts'

interface Line {
  level: number
  time: number
  msg?: string
  err?: { message?: string; stack?: string }
  [field: string]: unknown
}

/** Of every line, and nothing that a person at a terminal looks for. */
const LEFT_OUT = new Set(['level', 'time', 'pid', 'hostname', 'msg', 'err', 'reqId'])
const REQUEST = new Set(['method', 'path', 'status', 'ms', 'actor'])

/** For a person at a terminal: the log's lines of JSON as lines of words. */
export function createReadableLog(write: (text: string) => void): LogStream {
  return { write: (json) => write(`${describeLine(JSON.parse(json) as Line)}\n`) }
}

function describeLine(line: Line): string {
  const at = styleText('dim', new Date(line.time).toTimeString().slice(0, 8))
  const isRequest = line.msg === 'request' && typeof line.method === 'string'
  const said = isRequest ? describeRequest(line) : printable(line.msg ?? '')
  const fields = Object.entries(line).filter(([name]) => !LEFT_OUT.has(name) && !(isRequest && REQUEST.has(name)))
  const more = fields.map(([name, value]) => styleText('dim', `${name}=${printable(textOf(value))}`))
  const words = [at, ...severity(line.level), said, ...more].filter((word) => word !== '').join(' ')
  // A stack has lines of its own, which are ours.
  const reason = line.err?.stack ?? line.err?.message
  return reason === undefined
    ? words
    : [words, ...reason.split('\n').map((each) => `    ${printable(each)}`)].join('\n')
}

function describeRequest({ method, path, status, ms, actor, reqId }: Line): string {
  const failed = typeof status === 'number' && status >= 500 ? ` (request ${String(reqId)})` : ''
  const by = typeof actor === 'string' ? ` by ${actor}` : ''
  return printable(`${textOf(method)} ${textOf(path)} ${textOf(status)} in ${textOf(ms)} ms${by}${failed}`)
}

function severity(level: number): string[] {
  if (level >= 60) return [styleText('red', 'fatal:')]
  if (level >= 50) return [styleText('red', 'error:')]
  if (level >= 40) return [styleText('yellow', 'warning:')]
  return level >= 30 ? [] : [styleText('dim', 'debug:')]
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
}

/** A request's path can hold what moves a terminal's cursor, sets its title or turns text around. */
function printable(text: string): string {
  return stripVTControlCharacters(text).replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/gu, '�')
}
