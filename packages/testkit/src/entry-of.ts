import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const ENTRY = fileURLToPath(new URL('../../../scripts/entry.mjs', import.meta.url))

const entries = new Map<string, string>()

/** What this checkout's server, or its tool, starts from: a bundle, as sources take a second to load each time. */
export function entryOf(part: 'server' | 'cli'): string {
  const entry = entries.get(part) ?? execFileSync(process.execPath, [ENTRY, part], { encoding: 'utf8' }).trim()
  entries.set(part, entry)
  return entry
}
