import type { FileStat } from '@hotpatch/device-ground'
import { expectFewLinks, followLink, namesOf } from '../ground/disk-path.ts'
import type { FileRights, KitDisk } from '../ground/kit-disk.ts'
import { KitError } from '../ground/kit-error.ts'

/**
 * What a power cut leaves of the things that were not synced: nothing, everything, or a pseudo-random part of each
 * (for directories some moment since their last sync, as journals keep order; for files also a tail of zeros).
 */
export type Survival = 'worst' | 'best' | { random: () => number }

export interface LossyDiskOptions {
  /** The power goes during this change (1 is the first); everything after it fails as well. */
  stopAt?: number
  /** From this change on there is no room (ENOSPC), but for what is removed afterwards. */
  fullAt?: number
}

/** What lies at a path, for comparing. */
export type DiskEntry =
  | { kind: 'file'; bytes: Uint8Array; mode: number }
  | { kind: 'link'; target: string }
  | { kind: 'directory' }

export interface LossyDisk extends KitDisk {
  /** Changes so far: every write, sync, rename, link, removal of one thing and new directory. */
  changes(): number
  /** The same by name, such as "write .kit/current.new" or "rename a -> b"; the root itself is ".". */
  log(): readonly string[]
  hasStopped(): boolean
  /** Whether something found no room. */
  hasBeenFull(): boolean
  /** Applies to the changes from now on, counted from 1 again. */
  arrange(options: LossyDiskOptions): void
  /** The power goes now, and this disk is dead; another one comes back with what survived. */
  cutPower(survival: Survival, options?: LossyDiskOptions): LossyDisk
  /** Another disk, on which the same lies, all of it durable. */
  copy(): LossyDisk
  /** Everything below a folder by its path within it; links are not followed. Empty when there is no such folder. */
  entries(path?: string): Map<string, DiskEntry>
}

export class PowerCutError extends Error {
  override name = 'PowerCutError'
}

interface FileContent {
  bytes: Uint8Array
  rights: FileRights
}

interface FileNode {
  kind: 'file'
  now: FileContent
  durable: FileContent
  /** Of the durable ones, those that nothing has been written over since: they stay. */
  keptBytes: number
}

interface LinkNode {
  kind: 'link'
  target: string
}

interface DirectoryNode {
  kind: 'directory'
  names: Map<string, Node>
  /** Every state since the last sync, the synced one first. */
  history: Map<string, Node>[]
  /** How many states there were before those. */
  synced: number
}

/** File systems with a journal keep a rename across directories whole: whoever has lost the name has it elsewhere. */
interface MoveAcross {
  from: DirectoryNode
  fromState: number
  to: DirectoryNode
  toState: number
}

type Node = FileNode | LinkNode | DirectoryNode

const NEW_FILE: FileRights = { mode: 0o644 }
/** What a new name takes of a full disk. */
const BYTES_OF_NAME = 64
const PLENTY = 1 << 30

/**
 * The disk of a kit in memory, which knows what would survive a power cut: content and rights of a file as of its last
 * sync, and the names in a directory as of the directory's last sync.
 */
export function createLossyDisk(options: LossyDiskOptions = {}): LossyDisk {
  return lossyDisk(newDirectory(), options)
}

function lossyDisk(root: DirectoryNode, options: LossyDiskOptions): LossyDisk {
  let { stopAt = Infinity, fullAt = Infinity } = options
  let log: string[] = []
  let isDead = false
  let freedBytes = 0
  let hasBeenFull = false
  const moves: MoveAcross[] = []

  function guard(): void {
    if (isDead) throw new PowerCutError('the power is off')
  }

  /** Runs `torn` instead of `run` when the power goes here: a write may leave half of itself. */
  function change<T>(name: string, run: () => T, torn?: () => void): T {
    guard()
    log.push(name)
    if (log.length >= stopAt) {
      torn?.()
      isDead = true
      throw new PowerCutError(`the power went at change ${log.length}: ${name}`)
    }
    return run()
  }

  const isFull = () => log.length >= fullAt

  function takeRoom(bytes: number): void {
    if (!isFull() || bytes <= 0) return
    if (bytes > freedBytes) throw noRoom()
    freedBytes -= bytes
  }

  function noRoom(): Error {
    hasBeenFull = true
    return systemError('ENOSPC', 'no space left on device')
  }

  function child(names: readonly string[]): Node | undefined {
    let node: Node | undefined = root
    for (const name of names) node = node?.kind === 'directory' ? node.names.get(name) : undefined
    return node
  }

  function resolve(path: string, { followsLast }: { followsLast: boolean }): string[] {
    let left = namesOf(path)
    let found: string[] = []
    for (let links = 0; left.length > 0;) {
      const [name = '', ...others] = left
      const next = [...found, name]
      const node = child(next)
      if ((others.length > 0 || followsLast) && node?.kind === 'link') {
        expectFewLinks((links += 1), path)
        left = [...followLink(next, node.target), ...others]
        found = []
        continue
      }
      found = next
      left = others
    }
    return found
  }

  const itself = (path: string) => resolve(path, { followsLast: false })
  const through = (path: string) => child(resolve(path, { followsLast: true }))

  function directoryOf(names: readonly string[], path: string): DirectoryNode {
    const node = child(names)
    if (node?.kind !== 'directory') throw missing(path)
    return node
  }

  function fileAt(node: Node | undefined, path: string): FileNode {
    if (node?.kind === 'link') throw new KitError('path-escapes', `Expected a file at ${path}, found a link.`)
    if (node?.kind === 'directory') throw systemError('EISDIR', `there is a directory at ${path}`)
    if (!node) throw missing(path)
    return node
  }

  function setName(names: readonly string[], node: Node | undefined): DirectoryNode {
    const parent = directoryOf(names.slice(0, -1), names.join('/'))
    const name = names.at(-1) ?? ''
    if (node) parent.names.set(name, node)
    else parent.names.delete(name)
    parent.history.push(new Map(parent.names))
    return parent
  }

  /** On a full disk as much of it as there is room for, as real ones do. */
  function put(path: string, { offset, bytes, rights }: { offset: number; bytes: Uint8Array; rights?: FileRights }) {
    const names = itself(path)
    directoryOf(names.slice(0, -1), path)
    const found = child(names)
    const node: FileNode = found ? fileAt(found, path) : newFile()
    const before = node.now.bytes
    const kept = before.subarray(0, offset)
    if (isFull()) freedBytes += before.length - kept.length
    const fits = isFull() ? Math.min(bytes.length, freedBytes) : bytes.length
    takeRoom(fits)
    const joined = new Uint8Array(offset + fits)
    joined.set(kept)
    joined.set(bytes.subarray(0, fits), offset)
    node.now = { bytes: joined, rights: rights ?? node.now.rights }
    node.keptBytes = Math.min(node.keptBytes, offset)
    if (!found) setName(names, node)
    if (fits < bytes.length) throw noRoom()
  }

  function syncFile(path: string): void {
    const node = fileAt(through(path), path)
    node.durable = node.now
    node.keptBytes = node.now.bytes.length
  }

  function removeNode(names: readonly string[]): void {
    const node = child(names)
    if (!node) return
    if (node.kind === 'directory') for (const name of node.names.keys()) removeNode([...names, name])
    change(`remove ${names.join('/')}`, () => {
      setName(names, undefined)
      if (isFull()) freedBytes += node.kind === 'file' ? node.now.bytes.length : BYTES_OF_NAME
    })
  }

  function writeChange(
    what: string,
    path: string,
    content: { offset: number; bytes: Uint8Array; rights?: FileRights },
  ) {
    const half = content.bytes.subarray(0, content.bytes.length >> 1)
    const write = () => put(path, content)
    change(`${what} ${path}`, write, () => put(path, { ...content, bytes: half }))
  }

  function setRights(path: string, rightsOf: (found: FileRights) => FileRights): void {
    const node = fileAt(child(itself(path)), path)
    change(`rights ${path}`, () => {
      node.now = { ...node.now, rights: rightsOf(node.now.rights) }
    })
    change(`sync ${path}`, () => syncFile(path))
  }

  const disk: LossyDisk = {
    locate: (path) => `/lossy/${namesOf(path).join('/')}`,

    async read(path) {
      guard()
      const node = through(path)
      return node && fileAt(node, path).now.bytes.slice()
    },
    async readRange(path, offset, length) {
      guard()
      return fileAt(through(path), path).now.bytes.slice(offset, offset + length)
    },
    async write(path, bytes) {
      writeChange('write', path, { offset: 0, bytes })
      change(`sync ${path}`, () => syncFile(path))
    },
    async create(path, bytes) {
      guard()
      if (child(itself(path))) return false
      writeChange('create', path, { offset: 0, bytes })
      change(`sync ${path}`, () => syncFile(path))
      await disk.syncDirectory(namesOf(path).slice(0, -1).join('/'))
      return true
    },
    async append(path, offset, bytes) {
      writeChange('append', path, { offset, bytes })
    },
    async sync(path) {
      change(`sync ${path}`, () => syncFile(path))
    },
    async syncDirectory(path) {
      change(`syncDirectory ${path || '.'}`, () => {
        const node = directoryOf(resolve(path, { followsLast: true }), path)
        node.synced = newestState(node)
        node.history = [new Map(node.names)]
      })
    },
    async rename(from, to) {
      change(`rename ${from} -> ${to}`, () => {
        const [source, target] = [itself(from), itself(to)]
        const node = child(source)
        if (!node) throw missing(from)
        const replaced = child(target)
        if (replaced?.kind === 'directory') throw systemError('EISDIR', `there is a directory at ${to}`)
        if (replaced && node.kind === 'directory') throw systemError('ENOTDIR', `there is a file at ${to}`)
        const [parent, toParent] = [source.slice(0, -1).join('/'), target.slice(0, -1).join('/')]
        if (target.join('/').startsWith(`${source.join('/')}/`)) throw systemError('EINVAL', `${to} is in ${from}`)
        if (replaced?.kind === 'file' && replaced !== node && isFull()) freedBytes += replaced.now.bytes.length
        if (parent === toParent) {
          // Within one directory a rename is one change of it: never both names, never none.
          directoryOf(source.slice(0, -1), from).names.delete(source.at(-1) ?? '')
          setName(target, node)
          return
        }
        const entered = setName(target, node)
        const left = setName(source, undefined)
        moves.push({ from: left, fromState: newestState(left), to: entered, toState: newestState(entered) })
      })
    },
    async remove(path) {
      guard()
      if (path === '') throw new KitError('path-escapes', 'Expected something in the root to remove, found the root.')
      removeNode(itself(path))
    },
    async makeDirectory(path) {
      guard()
      const names = resolve(path, { followsLast: true })
      for (const [index] of names.entries()) {
        const made = names.slice(0, index + 1)
        const found = child(made)
        if (found?.kind === 'directory') continue
        if (found) throw systemError('EEXIST', `there is a file at ${made.join('/')}`)
        change(`makeDirectory ${made.join('/')}`, () => {
          takeRoom(BYTES_OF_NAME)
          setName(made, newDirectory())
        })
      }
    },
    async stat(path): Promise<FileStat | undefined> {
      guard()
      const node = child(itself(path))
      if (!node) return undefined
      const kind = node.kind === 'link' ? 'other' : node.kind
      return { kind, sizeBytes: node.kind === 'file' ? node.now.bytes.length : 0 }
    },
    async list(path) {
      guard()
      const node = through(path)
      return node?.kind === 'directory' ? [...node.names.keys()].sort() : undefined
    },
    async readLink(path) {
      guard()
      const node = child(itself(path))
      return node?.kind === 'link' ? node.target : undefined
    },
    async link(target, path) {
      guard()
      const names = itself(path)
      followLink(names, target)
      const found = child(names)
      if (found && found.kind !== 'link') throw systemError('EEXIST', `there is a ${found.kind} at ${path}`)
      change(`link ${path} -> ${target}`, () => {
        if (!found) takeRoom(BYTES_OF_NAME)
        setName(names, { kind: 'link', target })
      })
    },
    async setExecutable(path, isExecutable) {
      setRights(path, ({ mode, ...others }) => ({
        ...others,
        mode: (mode & 0o666) | (isExecutable ? (mode & 0o444) >> 2 : 0),
      }))
    },
    async rights(path) {
      guard()
      const node = child(itself(path))
      return node?.kind === 'file' ? { ...node.now.rights } : undefined
    },
    async setRights(path, rights) {
      setRights(path, (found) => ({ ...found, ...rights }))
    },
    async copyFile(from, to) {
      guard()
      const { bytes, rights } = fileAt(through(from), from).now
      writeChange(`copy ${from} ->`, to, { offset: 0, bytes, rights })
      change(`sync ${to}`, () => syncFile(to))
    },
    freeBytes: async () => (isFull() ? freedBytes : PLENTY),

    changes: () => log.length,
    log: () => log,
    hasStopped: () => isDead,
    hasBeenFull: () => hasBeenFull,
    arrange(next) {
      log = []
      freedBytes = 0
      stopAt = next.stopAt ?? Infinity
      fullAt = next.fullAt ?? Infinity
    },
    cutPower(survival, next = {}) {
      isDead = true
      return survivingDisk(root, moves, survival, next)
    },
    copy: () => survivingDisk(root, [], 'best', {}),
    entries(path = '') {
      const node = child(namesOf(path))
      return node?.kind === 'directory' ? new Map(entriesOf(node, '')) : new Map()
    },
  }
  return disk
}

function survivingDisk(
  root: DirectoryNode,
  moves: readonly MoveAcross[],
  survival: Survival,
  options: LossyDiskOptions,
): LossyDisk {
  const states = new Map<DirectoryNode, number>()
  const stateOf = (node: DirectoryNode) => {
    const found = states.get(node) ?? survivingState(node, survival)
    states.set(node, found)
    return found
  }
  // The newest first: what one of them brings back may be what an older one has taken away.
  for (const { from, fromState, to, toState } of moves.toReversed()) {
    if (stateOf(from) >= fromState) states.set(to, Math.max(stateOf(to), toState))
  }
  const left = survivor(root, survival, stateOf)
  return lossyDisk(left.kind === 'directory' ? left : newDirectory(), options)
}

function survivingState(node: DirectoryNode, survival: Survival): number {
  if (survival === 'worst') return node.synced
  if (survival === 'best') return newestState(node)
  return node.synced + Math.floor(survival.random() * node.history.length)
}

function newestState({ synced, history }: DirectoryNode): number {
  return synced + history.length - 1
}

function survivor(node: Node, survival: Survival, stateOf: (node: DirectoryNode) => number): Node {
  if (node.kind === 'link') return node
  if (node.kind === 'file') {
    const content = survivingContent(node, survival)
    return { kind: 'file', now: content, durable: content, keptBytes: content.bytes.length }
  }
  const kept = node.history[stateOf(node) - node.synced] ?? new Map<string, Node>()
  const names = new Map([...kept].map(([name, child]) => [name, survivor(child, survival, stateOf)]))
  return { kind: 'directory', names, history: [new Map(names)], synced: 0 }
}

function survivingContent({ now, durable, keptBytes }: FileNode, survival: Survival): FileContent {
  if (survival === 'best') return now
  if (survival === 'worst' || now === durable) return durable
  const choice = survival.random()
  if (choice < 0.3) return durable
  if (choice < 0.6) return now
  // The size arrived before the content.
  const arrived = keptBytes + Math.floor(survival.random() * (now.bytes.length - keptBytes))
  return { ...now, bytes: now.bytes.slice().fill(0, arrived) }
}

function* entriesOf(node: DirectoryNode, prefix: string): Generator<[string, DiskEntry]> {
  for (const [name, child] of [...node.names].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    if (child.kind === 'file') {
      yield [prefix + name, { kind: 'file', bytes: child.now.bytes, mode: child.now.rights.mode }]
      continue
    }
    yield [prefix + name, child.kind === 'link' ? { kind: 'link', target: child.target } : { kind: 'directory' }]
    if (child.kind === 'directory') yield* entriesOf(child, `${prefix}${name}/`)
  }
}

function newFile(): FileNode {
  const content = { bytes: new Uint8Array(), rights: NEW_FILE }
  return { kind: 'file', now: content, durable: content, keptBytes: 0 }
}

function newDirectory(): DirectoryNode {
  return { kind: 'directory', names: new Map(), history: [new Map()], synced: 0 }
}

function missing(path: string): Error {
  return systemError('ENOENT', `no such file or directory: ${path}`)
}

function systemError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code })
}
