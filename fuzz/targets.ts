import { globSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { TargetModule } from './engine/target.ts'

const FOLDER = fileURLToPath(new URL('./targets/', import.meta.url))

export function listTargets(): string[] {
  return globSync('*.ts', { cwd: FOLDER })
    .map((file) => basename(file, '.ts'))
    .sort()
}

export function targetPath(name: string): string {
  const known = listTargets()
  if (!known.includes(name)) throw new Error(`Expected one of ${known.join(', ')}, found ${JSON.stringify(name)}.`)
  return join(FOLDER, `${name}.ts`)
}

export async function loadTarget(name: string): Promise<TargetModule> {
  return (await import(targetPath(name))) as TargetModule
}
