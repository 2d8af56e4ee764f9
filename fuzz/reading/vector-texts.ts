import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const VECTORS = fileURLToPath(new URL('../../vectors/', import.meta.url))
const MOST = 400

/** Texts of the vectors: all of them, or those below keys of these names. */
export function vectorTexts(pattern: string, keys?: readonly string[]): string[] {
  const texts = new Set<string>()
  for (const file of globSync(pattern, { cwd: VECTORS }).sort())
    collect(JSON.parse(readFileSync(VECTORS + file, 'utf8')))
  return [...texts].slice(0, MOST)

  function collect(value: unknown, key = ''): void {
    const isWanted = !keys || keys.includes(key)
    if (typeof value === 'string') {
      if (isWanted && value.length > 0) texts.add(value)
    } else if (typeof value === 'object' && value !== null) {
      for (const [name, child] of Object.entries(value)) {
        if (name !== 'comment') collect(child, Array.isArray(value) ? key : name)
      }
    }
  }
}

/** Objects and lists of the vectors below keys of these names, as JSON. */
export function vectorJson(pattern: string, keys: readonly string[]): string[] {
  const texts = new Set<string>()
  for (const file of globSync(pattern, { cwd: VECTORS }).sort())
    collect(JSON.parse(readFileSync(VECTORS + file, 'utf8')))
  return [...texts].slice(0, MOST)

  function collect(value: unknown): void {
    if (typeof value !== 'object' || value === null) return
    for (const [name, child] of Object.entries(value)) {
      if (keys.includes(name)) texts.add(typeof child === 'string' ? child : JSON.stringify(child))
      collect(child)
    }
  }
}
