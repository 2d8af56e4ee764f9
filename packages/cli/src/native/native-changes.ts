import { posix } from 'node:path'
import { CAPACITOR_CONFIGS } from '../capacitor/capacitor-project.ts'
import { CommandError } from '../errors/errors.ts'
import { isLink, type Commit, type GitTrees } from './git-tree.ts'
import { LOCK_FORMATS, type ResolvedVersion } from './lock-files.ts'
import { isNativePackage } from './native-packages.ts'

/** Why the shell of an app is not the same as before. */
export interface NativeChange {
  kind: 'capacitor-config' | 'native-folder' | 'dependency' | 'lock-file' | 'patch' | 'path'
  /** Of the repository. */
  path: string
  /** Of the dependency. */
  name?: string
  /** Null: it was, or is, not there. */
  before?: string | null
  after?: string | null
  /** Why the file itself could not be asked. */
  reason?: string
}

const NATIVE_FOLDERS = ['android', 'ios']
/** What `cap copy` puts into the shell again at every build: the web app, which is what updates replace. */
const COPIED_WEB_APP = [/^android\/app\/src\/main\/assets\/public\//, /^ios\/App\/(?:App\/)?public\//]
const DEPENDENCY_LISTS = ['dependencies', 'devDependencies', 'optionalDependencies']
/** Where patch-package, yarn and pnpm keep theirs. */
const PATCH_FILE = /(?:^|\/)(?:patches|\.yarn\/patches)\/[^/]+\.(?:patch|diff)$/

/**
 * Everything that says that the shell built from `to` differs from that of `from`. It compares the two trees, so how the
 * commits came to be there, by merge or by cherry-pick, does not matter.
 *
 * @param directory of the app: what is installed there says which dependencies have native code
 * @param further paths within the app that its shell is made of, too
 * @throws CommandError not-a-capacitor-app, or path-is-link where a change could not be seen
 */
export async function findNativeChanges(
  trees: GitTrees,
  directory: string,
  further: readonly string[] = [],
): Promise<NativeChange[]> {
  await requireCapacitorApp(trees, directory)
  const changed = await trees.listChanged()
  // A place may lie beside the app, as in a repository of several.
  const inRepository = (path: string) => posix.normalize(`${trees.prefix}${path}`)
  const configs = CAPACITOR_CONFIGS.map(inRepository)
  const folders = (await nativeFolders(trees)).map(inRepository)
  const named = further.map(inRepository)
  await requireNoLinks(trees, [...configs, ...folders, ...named])
  const isCopied = (path: string) =>
    path.startsWith(trees.prefix) && COPIED_WEB_APP.some((pattern) => pattern.test(path.slice(trees.prefix.length)))
  const under = (places: readonly string[]) => (path: string) =>
    places.some((place) => path === place || path.startsWith(`${place}/`))
  const changes: NativeChange[] = [
    ...changed.filter((path) => configs.includes(path)).map((path) => ({ kind: 'capacitor-config' as const, path })),
    ...changed
      .filter((path) => under(folders)(path) && !isCopied(path))
      .map((path) => ({ kind: 'native-folder' as const, path })),
    ...changed.filter(under(named)).map((path) => ({ kind: 'path' as const, path })),
  ]
  const dependencies = await compareDependencies(trees, directory)
  return [...changes, ...dependencies.changes, ...patchChanges(changed, dependencies.native)]
}

/** What lies behind a link is not in the tree: its changes would be missed. */
async function requireNoLinks(trees: GitTrees, places: readonly string[]): Promise<void> {
  for (const commit of [trees.from, trees.to]) {
    for (const place of places) {
      if (place === '..' || place.startsWith('../')) throw isOutside(place)
      const link = await trees.findLink(commit, place)
      if (link !== undefined) throw isLink(link, commit)
    }
  }
}

function isOutside(place: string): CommandError {
  const message = `Expected the native projects in the repository, found ${place} beside it, whose changes git does not know.`
  return new CommandError('path-outside', `${message} Build a new shell, and say so: native stamp --first.`)
}

/** In another folder nothing that is native would ever change. */
async function requireCapacitorApp(trees: GitTrees, directory: string): Promise<void> {
  const files = CAPACITOR_CONFIGS.map((file) => trees.has(trees.to, `${trees.prefix}${file}`))
  const manifest = await readManifest(trees, trees.to)
  if ((await Promise.all(files)).includes(true) || manifest.has('@capacitor/core')) return
  const expected = `Expected a Capacitor app in ${directory}: ${CAPACITOR_CONFIGS.join(', ')}, or @capacitor/core in package.json.`
  throw new CommandError('not-a-capacitor-app', `${expected} ${trees.to.ref} has neither. Name its folder: --project.`)
}

/** The usual ones, and those that the configuration names in so many words. */
async function nativeFolders(trees: GitTrees): Promise<string[]> {
  const texts = await Promise.all(
    [trees.from, trees.to].flatMap((commit) =>
      CAPACITOR_CONFIGS.map((file) => trees.read(commit, `${trees.prefix}${file}`)),
    ),
  )
  const named = texts.flatMap((text = '') =>
    [...text.matchAll(/["']?\b(?:android|ios)\b["']?\s*:\s*\{[^{}]*?["']?\bpath\b["']?\s*:\s*["']([^"'\n]+)["']/g)].map(
      ([, path = '']) => path.replace(/^\.\//, '').replace(/\/+$/, ''),
    ),
  )
  return [...new Set([...NATIVE_FOLDERS, ...named])]
}

async function compareDependencies(trees: GitTrees, directory: string) {
  const [before, after] = await Promise.all([readManifest(trees, trees.from), readManifest(trees, trees.to)])
  const names = [...new Set([...before.keys(), ...after.keys()])].sort()
  const isNative = await Promise.all(names.map((name) => isNativePackage(name, directory)))
  const native = names.filter((_, index) => isNative[index])
  const path = `${trees.prefix}package.json`
  const inManifest = native.flatMap((name): NativeChange[] => {
    const [was, is] = [before.get(name) ?? null, after.get(name) ?? null]
    return was === is ? [] : [{ kind: 'dependency', path, name, before: was, after: is }]
  })
  const told = new Set(inManifest.map(({ name }) => name))
  const kept = native.filter((name) => !told.has(name))
  return { native, changes: [...inManifest, ...(await compareLocks(trees, kept, { before, after }))] }
}

type Wanted = ReadonlyMap<string, string>

async function readManifest(trees: GitTrees, commit: Commit): Promise<Wanted> {
  const text = await trees.read(commit, `${trees.prefix}package.json`)
  const json = (text === undefined ? {} : parseJson(text)) as Record<string, Record<string, unknown> | undefined>
  return new Map(
    DEPENDENCY_LISTS.flatMap((list) => Object.entries(json[list] ?? {})).map(([name, range]) => [name, String(range)]),
  )
}

/** A package.json that is none fails the build; nothing is concluded from it here. */
function parseJson(text: string): unknown {
  try {
    const json: unknown = JSON.parse(text.replace(/^\uFEFF/, ''))
    return typeof json === 'object' && json !== null ? json : {}
  } catch {
    return {}
  }
}

/** What is asked for is the same, and what is installed for it is not. */
async function compareLocks(
  trees: GitTrees,
  names: readonly string[],
  wanted: { before: Wanted; after: Wanted },
): Promise<NativeChange[]> {
  if (names.length === 0) return []
  const [before, after] = await Promise.all([
    findLock(trees, trees.from, wanted.before),
    findLock(trees, trees.to, wanted.after),
  ])
  if (before?.text === after?.text) return []
  if (!before || !after) {
    const [path, reason] = before ? [before.path, 'it is gone'] : [after?.path ?? '', 'it is new']
    return [{ kind: 'lock-file', path, reason }]
  }
  const unread = [before, after].find(({ reason }) => reason !== undefined)
  if (unread) return [{ kind: 'lock-file', path: unread.path, reason: `it cannot be read: ${unread.reason ?? ''}` }]
  return names.flatMap((name): NativeChange[] => {
    const [was, is] = [before.resolve(name) ?? null, after.resolve(name) ?? null]
    return was === is ? [] : [{ kind: 'lock-file', path: after.path, name, before: was, after: is }]
  })
}

interface Lock {
  path: string
  text: string
  resolve: ResolvedVersion
  /** Why it cannot be read: then it may say anything. */
  reason?: string
}

/** The nearest one at or above the app's folder, up to the root of the repository. */
async function findLock(trees: GitTrees, commit: Commit, wanted: Wanted): Promise<Lock | undefined> {
  const project = trees.prefix.replace(/\/$/, '')
  const parts = project === '' ? [] : project.split('/')
  for (let depth = parts.length; depth >= 0; depth -= 1) {
    const folder = parts.slice(0, depth).join('/')
    for (const { file, read } of LOCK_FORMATS) {
      const path = folder === '' ? file : `${folder}/${file}`
      const text = await trees.read(commit, path)
      if (text === undefined) continue
      try {
        return { path, text, resolve: read(text, parts.slice(depth).join('/'), wanted) }
      } catch (error) {
        const reason = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)
        return { path, text, resolve: () => undefined, reason }
      }
    }
  }
  return undefined
}

/** A patch of a native dependency is native code: its file is named after the package, with another sign for the "/". */
function patchChanges(changed: readonly string[], native: readonly string[]): NativeChange[] {
  return changed
    .filter((path) => PATCH_FILE.test(path))
    .flatMap((path): NativeChange[] => {
      const file = path.slice(path.lastIndexOf('/') + 1)
      const name = native.find((each) => spellings(each).some((spelling) => file.startsWith(spelling)))
      return name === undefined ? [] : [{ kind: 'patch', path, name }]
    })
}

function spellings(name: string): string[] {
  return ['+', '__', '-'].flatMap((sign) => ['+', '@', '-npm-', '.'].map((end) => name.replace('/', sign) + end))
}

/** One line for people. */
export function describeNativeChange({ kind, path, name, before, after, reason }: NativeChange): string {
  const versions = before === undefined ? '' : `: ${before ?? 'not there'} → ${after ?? 'not there'}`
  if (reason !== undefined) return `${path}: ${reason}, so a native dependency may be another one`
  if (name !== undefined) return `${name}${versions} (${path})`
  const what = {
    'capacitor-config': "Capacitor's configuration",
    'native-folder': 'native project',
    path: 'named by you',
  }
  return `${path} (${what[kind as keyof typeof what]})`
}
