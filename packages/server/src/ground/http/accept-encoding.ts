import { CODINGS, type Coding } from './codings.ts'

/**
 * RFC 9110 §12.5.3: the codings that a client says it reads, which it likes best first, and of several alike the one
 * that is worth more. A star does not count: nobody knows what those who send it read.
 */
export function takenCodings(header: string | string[] | undefined): Coding[] {
  const told = new Map(
    String(header ?? '')
      .toLowerCase()
      .split(',')
      .map((coding) => coding.split(';'))
      .map(([name = '', ...parameters]) => [name.trim(), qualityOf(parameters)]),
  )
  const quality = (coding: Coding) => told.get(coding) ?? 0
  return CODINGS.filter((coding) => quality(coding) > 0).toSorted((a, b) => quality(b) - quality(a))
}

function qualityOf(parameters: readonly string[]): number {
  const told = parameters.map((parameter) => parameter.trim()).find((parameter) => parameter.startsWith('q='))
  return told === undefined ? 1 : Number(told.slice(2)) || 0
}
