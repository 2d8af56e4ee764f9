import { parse as parseYaml } from 'yaml'

/** A file of somebody else's: nothing in it stands for something else, and what it lacks is no warning of the process. */
const AS_DATA = { maxAliasCount: 0, logLevel: 'error' } as const

/** Tells which version of a direct dependency is installed; undefined when the lock file has none of that name. */
export type ResolvedVersion = (name: string) => string | undefined

interface LockFormat {
  file: string
  /**
   * @param project folder of the app within the lock file's own, `apps/mobile`, or "" for the same one
   * @param wanted what the app's package.json asks for, by name
   * @throws when it is not as its package manager writes it
   */
  read(text: string, project: string, wanted: ReadonlyMap<string, string>): ResolvedVersion
}

/** Of every package manager that Capacitor's own documentation names. */
export const LOCK_FORMATS: readonly LockFormat[] = [
  { file: 'package-lock.json', read: readNpm },
  { file: 'npm-shrinkwrap.json', read: readNpm },
  { file: 'pnpm-lock.yaml', read: readPnpm },
  { file: 'yarn.lock', read: readYarn },
  { file: 'bun.lock', read: readBun },
  { file: 'bun.lockb', read: () => refuse('it is binary') },
]

type Json = Record<string, unknown>

/** Versions 1 to 3 of npm's own format. */
function readNpm(text: string, project: string): ResolvedVersion {
  const lock = objectOf(JSON.parse(text))
  const packages = lock.packages === undefined ? undefined : objectOf(lock.packages)
  const dependencies = lock.dependencies === undefined ? {} : objectOf(lock.dependencies)
  return (name) => {
    if (!packages) return versionOf(dependencies[name])
    const folders = foldersAbove(project).map((folder) => `${folder}node_modules/${name}`)
    return versionOf(folders.map((path) => packages[path]).find(Boolean))
  }
}

/** Versions 5 to 9: with the project's own list of direct dependencies. */
function readPnpm(text: string, project: string): ResolvedVersion {
  const lock = objectOf(parseYaml(text, AS_DATA))
  const importers = lock.importers === undefined ? undefined : objectOf(lock.importers)
  const own = importers ? objectOf(importers[project || '.'] ?? {}) : lock
  const lists = ['dependencies', 'devDependencies', 'optionalDependencies'].map((list) => objectOf(own[list] ?? {}))
  return (name) => {
    const found = lists.map((list) => list[name]).find(Boolean)
    // What follows the version tells which peers it was put beside.
    return (typeof found === 'string' ? found : versionOf(found))?.replace(/[(_].*$/s, '')
  }
}

/** Versions from 2 on are YAML, version 1 nearly is. */
function readYarn(text: string, _project: string, wanted: ReadonlyMap<string, string>): ResolvedVersion {
  const versions = /^# yarn lockfile v1$/m.test(text) ? yarnClassic(text) : yarnBerry(text)
  return (name) => {
    const range = wanted.get(name) ?? ''
    return versions.get(`${name}@${range}`) ?? versions.get(`${name}@npm:${range}`)
  }
}

function yarnClassic(text: string): Map<string, string> {
  const versions = new Map<string, string>()
  for (const block of text.split(/\n(?=\S)/)) {
    const [head = '', ...lines] = block.split('\n')
    const version = lines.map((line) => /^ {2}version "?([^"\s]+)"?$/.exec(line)?.[1]).find(Boolean)
    if (version === undefined || !head.endsWith(':')) continue
    for (const each of head.slice(0, -1).split(', ')) versions.set(each.replace(/^"|"$/g, ''), version)
  }
  return versions
}

function yarnBerry(text: string): Map<string, string> {
  const versions = new Map<string, string>()
  for (const [head, entry] of Object.entries(objectOf(parseYaml(text, AS_DATA)))) {
    const version = versionOf(entry)
    if (version !== undefined) for (const each of head.split(', ')) versions.set(each, version)
  }
  return versions
}

/** JSON with commas after the last of a list: in YAML's flow form these are allowed. */
function readBun(text: string, project: string): ResolvedVersion {
  const packages = objectOf(objectOf(parseYaml(text, AS_DATA)).packages ?? {})
  const own = project.split('/').at(-1) ?? ''
  return (name) => {
    const [resolved] = [packages[`${own}/${name}`], packages[name]].filter(Array.isArray)
    return typeof resolved?.[0] === 'string' ? resolved[0].slice(name.length + 1) : undefined
  }
}

/** `apps/mobile/`, `apps/`, and "" for the lock file's own folder. */
function foldersAbove(project: string): string[] {
  if (project === '') return ['']
  return [`${project}/`, ...foldersAbove(project.split('/').slice(0, -1).join('/'))]
}

function versionOf(entry: unknown): string | undefined {
  const version = (entry as Json | undefined)?.version
  return typeof version === 'string' ? version : undefined
}

function objectOf(value: unknown): Json {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json
  return refuse('it does not have the form that its package manager writes')
}

function refuse(reason: string): never {
  throw new Error(reason)
}
