import { expect } from 'vitest'

const ENGINE_VECTORS = new URL('../../../../../vectors/engine/', import.meta.url)

/**
 * Holds what was written down just now against what is in vectors/engine; `vitest run -u` writes it there.
 * @param path below that, such as "scenarios/first.json"
 */
export async function holdVectors(path: string, found: object): Promise<void> {
  await expect(vectorText(found)).toMatchFileSnapshot(new URL(path, ENGINE_VECTORS).pathname)
}

/** Indented only so far that a line is one body, request, or exchange. */
function vectorText(file: object): string {
  return `${lines(file, '')}\n`
}

const LINE = 160

function lines(value: unknown, indent: string): string {
  const flat = JSON.stringify(value)
  if (flat.length <= LINE || typeof value !== 'object' || value === null) return flat
  const inner = `${indent}  `
  const items = Array.isArray(value)
    ? value.map((each) => nested(each, inner))
    : Object.entries(value).flatMap(([name, each]) =>
        each === undefined ? [] : [`${JSON.stringify(name)}: ${nested(each, inner)}`],
      )
  const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{', '}']
  return `${open}\n${items.map((item) => inner + item).join(',\n')}\n${indent}${close}`
}

function nested(value: unknown, indent: string): string {
  return indent.length > 8 ? JSON.stringify(value) : lines(value, indent)
}
