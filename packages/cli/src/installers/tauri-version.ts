import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse } from 'smol-toml'
import { CommandError } from '../errors/errors.ts'
import { readJson, text } from './described-files.ts'

/** Tauri's configuration may name the package.json that has the version, and where it names none, Cargo.toml has it. */
export async function versionOfTauri(root: string, told: string | undefined): Promise<string | undefined> {
  if (told?.endsWith('.json')) return text((await readJson(join(root, told)))?.version)
  if (told !== undefined) return told
  const cargo = await readFile(join(root, 'Cargo.toml'), 'utf8').catch(() => '')
  try {
    return text((parse(cargo).package as { version?: unknown } | undefined)?.version)
  } catch (cause) {
    throw new CommandError('bundle-invalid', `${join(root, 'Cargo.toml')} cannot be read as TOML.`, { cause })
  }
}
