import { dirname, join } from 'node:path'
import { CommandError, hasCode, systemReason } from '../errors/errors.ts'
import { createPlainReader, type PlainReader } from './plain-values.ts'
import { readPlainText } from '../files/read-plain-text.ts'

/** A folder with a Capacitor app, as its configuration has it. */
export interface CapacitorProject {
  directory: string
  configPath: string
  /** Of the app itself. */
  read: PlainReader['read']
  /** Undefined where the configuration has none of that plugin. */
  settingsOf(plugin: string): PlainReader | undefined
}

/** In the order in which Capacitor's own tool looks for them. */
export const CAPACITOR_CONFIGS = ['capacitor.config.ts', 'capacitor.config.js', 'capacitor.config.json']
const MAX_CHARACTERS = 1_000_000

/** Looks in `directory`, and in those above it down from `root`, which is it or lies above. */
export async function findCapacitorProject(directory: string, root: string): Promise<CapacitorProject | undefined> {
  for (const name of CAPACITOR_CONFIGS) {
    const configPath = join(directory, name)
    const text = await readConfig(configPath)
    if (text !== undefined) return projectOf(directory, configPath, text)
  }
  const parent = dirname(directory)
  return directory === root || parent === directory ? undefined : findCapacitorProject(parent, root)
}

function projectOf(directory: string, configPath: string, text: string): CapacitorProject {
  const all = createPlainReader(text)
  const app = all.without('plugins')
  const settingsOf = (plugin: string) => all.within('plugins')?.within(plugin)
  return { directory, configPath, read: (name) => app.read(name), settingsOf }
}

async function readConfig(path: string): Promise<string | undefined> {
  try {
    const text = await readPlainText(path)
    if (text.length <= MAX_CHARACTERS) return text
    throw new CommandError('capacitor-config-unreadable', `${path} has more than ${MAX_CHARACTERS} characters.`)
  } catch (cause) {
    if (hasCode(cause, 'ENOENT', 'ENOTDIR')) return undefined
    if (cause instanceof CommandError) throw cause
    const message = `${path} cannot be read: ${systemReason(cause)}.`
    throw new CommandError('capacitor-config-unreadable', message, { cause })
  }
}

/** A text, where it stands there plainly. */
export function plainText({ read }: CapacitorProject, name: string): string | undefined {
  const found = read(name)
  return found.kind === 'plain' && typeof found.value === 'string' && found.value !== '' ? found.value : undefined
}
