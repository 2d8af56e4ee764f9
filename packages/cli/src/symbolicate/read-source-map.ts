import { readFile, stat } from 'node:fs/promises'
import {
  decodedMappings,
  FlattenMap,
  traceSegment,
  type SourceMapInput,
  type TraceMap,
} from '@jridgewell/trace-mapping'
import { CommandError, systemReason } from '../errors/errors.ts'

export interface Position {
  source: string
  /** From 1. */
  line: number
  /** From 1. */
  column: number
  /** Of the function that it is in, when the map knows. */
  name: string | undefined
}

export interface BundleMap {
  /** Of which the map is: JavaScript has many lines, bytecode has one. */
  isOfBytecode: boolean
  /** Undefined when nothing of the sources is there. @param line from 1 @param column from 0 */
  find(line: number, column: number): Position | undefined
}

/** Metro's maps of large apps have some 50 MB. */
export const MAX_MAP_BYTES = 300 * 1000 ** 2

/** @param root what the paths of sources are shown from @throws CommandError */
export async function readSourceMap(path: string, root: string, maxBytes = MAX_MAP_BYTES): Promise<BundleMap> {
  return openSourceMap(await readMapFile(path, maxBytes), path, root)
}

/** @param path of the map, for messages @throws CommandError */
export function openSourceMap(json: unknown, path: string, root: string): BundleMap {
  let map: TraceMap
  let lines: number
  let functions: ReturnType<typeof functionMapsOf>
  try {
    expectLinesOfBundle(json)
    map = new FlattenMap(json as SourceMapInput)
    lines = decodedMappings(map).length
    functions = functionMapsOf(json)
  } catch (cause) {
    throw invalid(path, cause)
  }

  function find(line: number, column: number): Position | undefined {
    const [, source, sourceLine, sourceColumn] = traceSegment(map, line - 1, column) ?? []
    if (source === undefined || sourceLine === undefined || sourceColumn === undefined) return undefined
    const name = nameAt(functions[source], { line: sourceLine + 1, column: sourceColumn })
    return {
      source: shownPath(map.sources[source] ?? '(unknown)', root),
      line: sourceLine + 1,
      column: sourceColumn + 1,
      name,
    }
  }

  return { isOfBytecode: lines <= 1, find }
}

/** Below the project from there, with "/" on every system. */
function shownPath(source: string, root: string): string {
  const [path, start] = [source, root].map((text) => text.replaceAll('\\', '/')) as [string, string]
  return path.startsWith(`${start}/`) ? path.slice(start.length + 1) : source
}

async function readMapFile(path: string, maxBytes: number): Promise<unknown> {
  let text: string
  try {
    const { size } = await stat(path)
    if (size > maxBytes) {
      throw new CommandError(
        'map-invalid',
        `${path}: expected a source map of at most ${maxBytes} bytes, found ${size}.`,
      )
    }
    text = await readFile(path, 'utf8')
  } catch (cause) {
    if (cause instanceof CommandError) throw cause
    throw new CommandError('map-unreadable', `The source map ${path} cannot be read: ${systemReason(cause)}.`, {
      cause,
    })
  }
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw invalid(path, cause)
  }
}

function invalid(path: string, cause: unknown): CommandError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new CommandError('map-invalid', `${path} is not a source map: ${reason}`, { cause })
}

/** The largest bundles of development have some hundred thousand. */
const MAX_LINES = 5_000_000
const MAX_NESTED = 10

/** A section says on which line it begins, and the library makes all lines up to there. @throws Error */
function expectLinesOfBundle(json: unknown, before = 0, depth = 0): void {
  const { sections } = Object(json) as { sections?: unknown }
  if (!Array.isArray(sections)) return
  if (depth === MAX_NESTED)
    throw new Error(`expected sections within sections at most ${MAX_NESTED} times, found more.`)
  for (const section of sections as unknown[]) {
    const { offset, map } = Object(section) as { offset?: unknown; map?: unknown }
    const { line } = Object(offset) as { line?: unknown }
    const begins = before + (typeof line === 'number' ? line : 0)
    if (!(begins >= 0 && begins <= MAX_LINES)) {
      throw new Error(`expected sections that begin within ${MAX_LINES} lines, found one at line ${begins}.`)
    }
    expectLinesOfBundle(map, begins, depth + 1)
  }
}

interface FunctionStart {
  line: number
  column: number
  name: string
}

interface FunctionMap {
  names: string[]
  mappings: string
}

/** Metro's own addition to source maps, for each source: where functions begin, whose names minifying took. */
function functionMapsOf(json: unknown): readonly (readonly FunctionStart[] | undefined)[] {
  const {
    sections,
    sources,
    x_facebook_sources: metadata,
  } = json as {
    sections?: { map: unknown }[]
    sources?: unknown[]
    x_facebook_sources?: ([FunctionMap | null] | null)[]
  }
  if (sections) return sections.flatMap(({ map }) => functionMapsOf(map))
  return (sources ?? []).map((_, index) => {
    const functionMap = metadata?.[index]?.[0]
    return functionMap ? decodeFunctionMap(functionMap) : undefined
  })
}

function decodeFunctionMap({ names, mappings }: FunctionMap): FunctionStart[] {
  const starts: FunctionStart[] = []
  let [line, nameIndex] = [1, 0]
  for (const group of mappings.split(';')) {
    let column = 0
    for (const segment of group.split(',')) {
      const [columns = 0, nextName = 0, lines = 0] = decodeNumbers(segment)
      line += lines
      nameIndex += nextName
      column += columns
      starts.push({ line, column, name: names[nameIndex] ?? '' })
    }
  }
  return starts
}

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

/** Numbers as all source maps have them: five bits a digit, the lowest first; the lowest bit of all is the sign. */
function decodeNumbers(segment: string): number[] {
  const numbers: number[] = []
  let [value, factor] = [0, 1]
  for (const digit of segment) {
    const bits = DIGITS.indexOf(digit)
    value += (bits & 31) * factor
    factor *= 32
    if (bits >= 32) continue
    numbers.push(value % 2 === 1 ? -Math.floor(value / 2) : value / 2)
    ;[value, factor] = [0, 1]
  }
  return numbers
}

/** The last that begins before it: they come in order, and after a function its surroundings begin again. */
function nameAt(
  starts: readonly FunctionStart[] | undefined,
  at: { line: number; column: number },
): string | undefined {
  const found = starts?.findLast(({ line, column }) => line < at.line || (line === at.line && column <= at.column))
  return found?.name || undefined
}
