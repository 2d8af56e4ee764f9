import { distance } from 'fastest-levenshtein'

/** The name that was probably meant; undefined when none is near enough. */
export function mostSimilar(text: string, names: readonly string[]): string | undefined {
  const ranked = names.map((name) => ({ name, edits: distance(text, name) })).sort((a, b) => a.edits - b.edits)
  const [nearest] = ranked
  return nearest && nearest.edits <= Math.max(1, Math.floor(text.length * 0.4)) ? nearest.name : undefined
}
