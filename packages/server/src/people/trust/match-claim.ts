import type { TrustCondition } from '@hotpatch/api'

/** No claim of a CI is so long. */
const MAX_LENGTH = 2_000

/** Of text or of what has one form as text only: what is compound is never matched. */
export function textOfClaim(value: unknown): string | undefined {
  return ['string', 'number', 'boolean'].includes(typeof value) ? String(value) : undefined
}

export function meets(claims: Readonly<Record<string, unknown>>, { claim, matches }: TrustCondition): boolean {
  const found = Object.hasOwn(claims, claim) ? textOfClaim(claims[claim]) : undefined
  return found !== undefined && matchesPattern(found, matches)
}

/**
 * The whole of it, by each way through the pattern at once: a regular expression could take for ever, and whoever asks
 * chooses the text.
 */
export function matchesPattern(text: string, pattern: string): boolean {
  if (text.length > MAX_LENGTH) return false
  const parts = pattern.match(/\*\*|[^]/gu) ?? []
  let reached = skipStars(new Set([0]), parts)
  for (const character of text) {
    const next = new Set<number>()
    for (const at of reached) {
      const part = parts[at]
      if (part === '**' || (part === '*' && character !== '/' && character !== ':')) next.add(at)
      else if (part !== '*' && part === character) next.add(at + 1)
    }
    if (next.size === 0) return false
    reached = skipStars(next, parts)
  }
  return reached.has(parts.length)
}

/** A star may stand for nothing. */
function skipStars(reached: Set<number>, parts: readonly string[]): Set<number> {
  for (const at of reached) {
    if (parts[at]?.startsWith('*')) reached.add(at + 1)
  }
  return reached
}
