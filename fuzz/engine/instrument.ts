import { parseAst } from 'rolldown/parseAst'
import { COUNTERS, IS_SAME, PROBE_HEADER } from './probes.ts'

export interface Instrumented {
  text: string
  /** The function that each point is in, by a number. */
  functionOf: readonly number[]
  /** What the program has as literals: much of it is grammar. */
  words: readonly string[]
  numbers: readonly number[]
}

interface Node {
  type: string
  start: number
  end: number
  [key: string]: unknown
}

interface Insertion {
  at: number
  text: string
  /** Closing ones stand before opening ones, the innermost first; opening ones the outermost first. */
  order: number
}

const MAX_WORDS = 1_500
const MAX_WORD_LENGTH = 32

/**
 * Counts every branch of a program: functions, arms, loops, cases, what is right of `&&`, `||` and `??`, defaults and
 * catches. Comparisons of two values are told. Nothing moves to another line.
 */
export function instrument(source: string): Instrumented {
  const insertions: Insertion[] = []
  const functionOf: number[] = []
  const words = new Set<string>()
  const numbers = new Set<number>()
  let functions = 0

  function point(owner: number): string {
    functionOf.push(owner)
    return `${COUNTERS}[${functionOf.length - 1}]++`
  }

  function open(at: number, text: string): void {
    insertions.push({ at, text, order: insertions.length })
  }

  function close(at: number, text: string): void {
    insertions.push({ at, text, order: -insertions.length - 1 })
  }

  function countStatement(node: Node, owner: number): void {
    if (node.type === 'BlockStatement') return open(node.start + 1, `${point(owner)};`)
    open(node.start, `{${point(owner)};`)
    close(node.end, '}')
  }

  function countExpression(node: Node, owner: number): void {
    open(node.start, `(${point(owner)},(`)
    close(node.end, '))')
  }

  function countBody(body: Node, owner: number): void {
    if (body.type === 'BlockStatement') countStatement(body, owner)
    else countExpression(body, owner)
  }

  function count(node: Node, owner: number): void {
    const { consequent, alternate, body, right } = node as unknown as Record<string, Node>
    switch (node.type) {
      case 'IfStatement':
        // The innermost closes first: what ends with the whole statement is opened before what ends within it.
        if (!alternate) close(node.end, ` else ${point(owner)};`)
        if (consequent) countStatement(consequent, owner)
        if (alternate) countStatement(alternate, owner)
        return
      case 'ForStatement':
      case 'ForInStatement':
      case 'ForOfStatement':
      case 'WhileStatement':
      case 'DoWhileStatement':
      case 'CatchClause':
        if (body) countStatement(body, owner)
        return
      case 'SwitchCase': {
        const [first] = node.consequent as Node[]
        if (first) open(first.start, `${point(owner)};`)
        return
      }
      case 'ConditionalExpression':
        if (consequent) countExpression(consequent, owner)
        if (alternate) countExpression(alternate, owner)
        return
      case 'LogicalExpression':
      case 'AssignmentPattern':
        if (right) countExpression(right, owner)
        return
      case 'AssignmentExpression':
        if (right && ['&&=', '||=', '??='].includes(String(node.operator))) countExpression(right, owner)
        return
      case 'BinaryExpression':
        return tellComparison(node)
      case 'Literal':
        return collect(node.value)
      case 'TemplateElement':
        return collect((node.value as { cooked?: unknown }).cooked)
      default:
    }
  }

  function collect(value: unknown): void {
    if (typeof value === 'number' && value > 8) numbers.add(value)
    if (typeof value !== 'string' || value.length < 2 || value.length > MAX_WORD_LENGTH || /\s\S+\s/.test(value)) return
    if (words.size < MAX_WORDS) words.add(value)
  }

  function tellComparison(node: Node): void {
    const { left, right, operator } = node as Node & { left: Node; right: Node; operator: string }
    if (operator !== '===' && operator !== '!==') return
    if (
      [left, right].some(
        ({ type, value }) =>
          type === 'UnaryExpression' || (type === 'Literal' && typeof value !== 'string' && typeof value !== 'number'),
      )
    )
      return
    const between = source.slice(left.end, right.start)
    const at = left.end + between.indexOf(operator)
    if (between.includes('/') || between.includes('\n')) return
    open(node.start, `${operator === '===' ? '' : '!'}${IS_SAME}(`)
    insertions.push({ at, text: ',/*', order: 0 }, { at: at + operator.length, text: '*/', order: 0 })
    close(node.end, ')')
  }

  function walk(node: Node, outer: number): void {
    let owner = outer
    if (['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression'].includes(node.type) && node.body) {
      owner = ++functions
      countBody(node.body as Node, owner)
    } else count(node, owner)
    for (const [key, child] of Object.entries(node)) {
      // A key's name, a pattern of what is exported, the source of an import: no expressions.
      if (key === 'type' || node.type.startsWith('Import') || (node.type.startsWith('Export') && key !== 'declaration'))
        continue
      for (const each of Array.isArray(child) ? child : [child]) {
        if (each !== null && typeof each === 'object' && typeof (each as Node).type === 'string')
          walk(each as Node, owner)
      }
    }
  }

  walk(parseAst(source) as unknown as Node, 0)
  return { text: PROBE_HEADER + inserted(source, insertions), functionOf, words: [...words], numbers: [...numbers] }
}

function inserted(source: string, insertions: Insertion[]): string {
  insertions.sort((a, b) => a.at - b.at || a.order - b.order)
  const pieces: string[] = []
  let at = 0
  for (const insertion of insertions) {
    pieces.push(source.slice(at, insertion.at), insertion.text)
    at = insertion.at
  }
  pieces.push(source.slice(at))
  return pieces.join('')
}
