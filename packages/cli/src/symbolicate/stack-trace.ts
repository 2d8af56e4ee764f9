import type { BundleMap, Position } from './read-source-map.ts'

/** One place in a bundle that a trace names. */
export interface Frame {
  /** As it stands in the trace. */
  text: string
  /** From 1. */
  line: number
  /** From 0: in bytecode an offset. */
  column: number
  /** Of Hermes bytecode: `address at`. */
  isAddress: boolean
  original: Position | undefined
}

export interface SymbolicatedTrace {
  text: string
  frames: Frame[]
}

/** No frame is longer; such lines are left as they are. */
const MAX_LINE = 4096

const NUMBERS = String.raw`(?<line>\d{1,10}):(?<column>\d{1,10})`
/** Each kind of frame, as an engine writes it. */
const KINDS: readonly { pattern: RegExp; columnsFrom: 0 | 1; render: (frame: Parts, at: Position) => string }[] = [
  // Hermes and V8: "at name (file:1:2)", "at name (address at file:1:2)".
  {
    pattern: new RegExp(
      String.raw`(?<before>\bat )(?<name>[^()]{1,500}?) \((?<address>address at )?(?<file>[^()]{0,1000}?):${NUMBERS}\)`,
      'g',
    ),
    columnsFrom: 1,
    render: ({ before, name }, at) => `${before}${nameOf(name, at)} (${placeOf(at)})`,
  },
  // The same of a function without a name: "at file:1:2".
  {
    pattern: new RegExp(
      String.raw`(?<before>\bat )(?<name>)(?<address>address at )?(?<file>[^()\s]{1,1000}?):${NUMBERS}(?=\s|$)`,
      'g',
    ),
    columnsFrom: 1,
    render: ({ before }, at) => `${before}${at.name === undefined ? placeOf(at) : `${at.name} (${placeOf(at)})`}`,
  },
  // JavaScriptCore: "name@file:1:2".
  {
    pattern: new RegExp(
      String.raw`(?<before>)(?<address>)(?<name>[^@\s]{0,500})@(?<file>[^@\s]{1,1000}?):${NUMBERS}(?=[\s,)]|$)`,
      'g',
    ),
    columnsFrom: 1,
    render: ({ name }, at) => `${nameOf(name, at)}@${placeOf(at)}`,
  },
  // As React Native reports a crash, whatever the engine: "name@1:2", with columns from 0.
  {
    pattern: new RegExp(String.raw`(?<before>)(?<address>)(?<file>)(?<name>[^@\s]{0,500})@${NUMBERS}(?=[\s,)]|$)`, 'g'),
    columnsFrom: 0,
    render: ({ name }, at) => `${nameOf(name, at)}@${placeOf(at)}`,
  },
  // A place alone on its line: "1:2", "file:1:2".
  {
    pattern: new RegExp(
      String.raw`(?<before>^\s*)(?<address>address at )?(?<name>)(?:(?<file>[^\s()@]{1,1000}?):)?${NUMBERS}(?=\s*$)`,
      'g',
    ),
    columnsFrom: 1,
    render: ({ before }, at) => `${before}${placeOf(at)}${at.name === undefined ? '' : ` in ${at.name}`}`,
  },
]

type Parts = Record<'before' | 'name' | 'file' | 'address' | 'line' | 'column', string | undefined>

const placeOf = ({ source, line, column }: Position) => `${source}:${line}:${column}`

/** What stands before a name, such as "async", stays. */
function nameOf(name: string | undefined, at: Position): string {
  const prefix = /^(?:async |new )+/.exec(name ?? '')?.[0] ?? ''
  return at.name === undefined ? (name ?? '') : prefix + at.name
}

/** The trace with what the map knows of each frame; all else stays as it is. */
export function symbolicateTrace(trace: string, map: BundleMap, bundleName: string | undefined): SymbolicatedTrace {
  const frames: Frame[] = []

  function symbolicateLine(text: string): string {
    if (text.length > MAX_LINE) return text
    for (const { pattern, columnsFrom, render } of KINDS) {
      const before = frames.length
      const replaced = text.replaceAll(pattern, (found, ...rest) => {
        const parts = rest.at(-1) as Parts
        if (!isOfBundle(parts.file, bundleName)) return found
        const isAddress = Boolean(parts.address)
        // Of an address the column is an offset.
        const column = Number(parts.column) - (isAddress ? 0 : columnsFrom)
        const line = Number(parts.line)
        const isKnown = line >= 1 && column >= 0 && (map.isOfBytecode || !isAddress)
        const original = isKnown ? map.find(line, column) : undefined
        frames.push({ text: found.trim(), line, column, isAddress, original })
        return original ? render(parts, original) : found
      })
      if (frames.length > before) return replaced
    }
    return text
  }

  return { text: trace.split('\n').map(symbolicateLine).join('\n'), frames }
}

/** Engines name the bundle by its path, its address, or not at all. Other files, of the engine or of Java, are not its. */
function isOfBundle(file: string | undefined, bundleName: string | undefined): boolean {
  if (file === undefined || file === '') return true
  const name =
    file
      .replace(/[?#].*$/, '')
      .split(/[/\\]/)
      .at(-1) ?? ''
  return name === bundleName || /\.(?:bundle|jsbundle|hbc)$/.test(name) || /^index\.(?:android|ios)\.js$/.test(name)
}
