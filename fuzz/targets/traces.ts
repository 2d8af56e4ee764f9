import { readJsonLines } from '../../packages/api/src/json-lines.ts'
import { symbolicateTrace } from '../../packages/cli/src/symbolicate/stack-trace.ts'
import { openSourceMap } from '../../packages/cli/src/symbolicate/read-source-map.ts'
import { Broken, type Target } from '../engine/target.ts'
import { readerFor, textOf } from '../reading/texts.ts'

const MAP = {
  isOfBytecode: false,
  find: (line: number, column: number) => ({ source: 'src/a.ts', line, column, name: 'named' }),
}

const READERS: readonly ((bytes: Uint8Array) => unknown)[] = [
  (bytes) => {
    const trace = textOf(bytes)
    const { text } = symbolicateTrace(trace, MAP, 'main.jsbundle')
    if (text.split('\n').length !== trace.split('\n').length) throw new Broken('another number of lines')
  },
  (bytes) => {
    const map = openSourceMap(JSON.parse(textOf(bytes)), 'map.json', '/project')
    for (const line of [1, 2, 7]) for (const column of [0, 5, 100]) map.find(line, column)
  },
  async (bytes) => {
    for await (const _value of readJsonLines(piecesOf(bytes))) void _value
  },
]

async function* piecesOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 7) yield bytes.subarray(at, at + 7)
}

export const target: Target = {
  reads: 'stack traces of every engine, source maps, JSON in lines',
  maxBytes: 2_000,
  words: ['at ', '(address at ', 'index.android.bundle:', 'main.jsbundle:1:2', '@', 'async ', ':1:2'],
  read(input) {
    const [read, bytes] = readerFor(READERS, input)
    return read(bytes)
  },
  refuses: (error) => error instanceof SyntaxError || (error instanceof Error && error.name === 'CommandError'),
}

export function seeds() {
  const map = {
    version: 3,
    sources: ['/project/a.ts', 'b.ts'],
    names: ['x'],
    mappings: 'AAAA,CAACA;ACDA',
    x_facebook_sources: [[{ names: ['<global>', 'f'], mappings: 'AAA;AAAC' }], null],
  }
  const traces = [
    'Error: x\n    at f (index.android.bundle:1:234)\n    at g (address at main.jsbundle:1:99)\n    at main.jsbundle:1:5',
    'f@main.jsbundle:1:2\n@3:4\nanonymous@1:2, g@5:6',
    '1:2\n  index.ios.js:3:4  ',
  ]
  return [
    ...traces.map((trace) => `\0${trace}`),
    `\u0001${JSON.stringify(map)}`,
    `\u0001${JSON.stringify({ version: 3, sections: [{ offset: { line: 0, column: 0 }, map }] })}`,
    '\u0002{"a":1}\n\n[2]\n"x',
  ]
}
