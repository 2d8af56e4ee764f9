import { access } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import { withGroup } from '../arguments/shared-options.ts'
import { CAPGO_KEY_FILE, readCapgoKey, type CapgoKey } from './capgo-key.ts'

export interface CapgoKeyOptions {
  /** False after `--no-capgo-key`. */
  capgoKey?: string | false
}

export function withCapgoKey(command: Command): Command {
  return withGroup(command, "For the plugins' own protocols:", (grouped) =>
    grouped
      .option('--capgo-key <file>', `encrypts it for Capgo's plugin; ${CAPGO_KEY_FILE} of a Capacitor app when absent`)
      .option('--no-capgo-key', 'do not encrypt it'),
  )
}

/**
 * The key that was named, else the one that lies beside the configuration of a Capacitor app.
 * @throws CommandError key-missing or key-unreadable
 */
export async function chooseCapgoKey(
  { capgoKey }: CapgoKeyOptions,
  { capacitor, cwd }: { capacitor: { directory: string } | undefined; cwd: string },
): Promise<CapgoKey | undefined> {
  if (capgoKey === false) return undefined
  if (capgoKey !== undefined) return readCapgoKey(resolve(cwd, capgoKey))
  if (!capacitor) return undefined
  const path = join(capacitor.directory, CAPGO_KEY_FILE)
  return (await isThere(path)) ? readCapgoKey(path) : undefined
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
