import { dirname, join } from 'node:path'
import { isThere, readJson } from '../installers/described-files.ts'

/** A folder with an Expo app. */
export interface ExpoProject {
  directory: string
  /** Of its configuration: app.json, or the program that makes it. */
  configPath: string
  /** A program may say anything: only a file of plain values can be written. */
  isPlain: boolean
}

/** A program comes first, as it may change what app.json says. */
const PROGRAMS = ['ts', 'mts', 'cts', 'mjs', 'cjs', 'js'].map((ending) => `app.config.${ending}`)
const PLAIN = ['app.config.json', 'app.json']

/** Looks in `directory`, and in those above it down from `root`, which is it or lies above. */
export async function findExpoProject(directory: string, root: string): Promise<ExpoProject | undefined> {
  if (await dependsOnExpo(directory)) {
    for (const name of [...PROGRAMS, ...PLAIN]) {
      const configPath = join(directory, name)
      if (await isThere(configPath)) return { directory, configPath, isPlain: PLAIN.includes(name) }
    }
  }
  const parent = dirname(directory)
  return directory === root || parent === directory ? undefined : findExpoProject(parent, root)
}

async function dependsOnExpo(directory: string): Promise<boolean> {
  const { dependencies } = (await readJson(join(directory, 'package.json'))) ?? {}
  return typeof dependencies === 'object' && dependencies !== null && 'expo' in dependencies
}
