import type { AuditRecord } from './audit.ts'

/** What the first entry has in place of the hash of the one before. */
export const FIRST_PREVIOUS_HASH = '0'.repeat(64)

/** Of what, as UTF-8, a seal's hash is the SHA-256 (Audit log §2). */
export function sealedText(sealed: { position: number; previousHash: string; entry: AuditRecord }): string {
  const { position, previousHash, entry } = sealed
  return canonicalJson({ format: 1, position, previousHash, entry })
}

/** JSON as RFC 8785 writes it: members sorted, nothing between them. Numbers and strings are as ECMAScript has them. */
export function canonicalJson(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  const members = value as Record<string, unknown>
  // Sorted by UTF-16 code units, which is what JavaScript does by itself.
  const names = Object.keys(members).sort()
  return `{${names.map((name) => `${JSON.stringify(name)}:${canonicalJson(members[name])}`).join(',')}}`
}
