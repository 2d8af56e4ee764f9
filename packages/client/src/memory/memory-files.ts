import type { FilesPort, FileStat } from '@hotpatch/device-ground'

/**
 * What a power cut leaves of the things that were not synced: nothing, everything, or a pseudo-random part of each
 * (for directories some moment since their last sync, as journals keep order; for files also a tail of zeros).
 */
export type Survival = 'worst' | 'best' | { random: () => number }

export interface MemoryFilesOptions {
  /** The power goes during this change (1 is the first); everything after it fails as well. */
  stopAt?: number
  /** From this change on, whatever needs room fails with ENOSPC. */
  fullAt?: number
}

export interface MemoryFiles extends FilesPort {
  /** Changes so far: every write, sync, rename, removal of one thing and new directory. */
  changes(): number
  /** The same by name, such as "write ota/metadata.json.tmp" or "rename a -> b"; the folder itself is ".". */
  log(): readonly string[]
  hasStopped(): boolean
  /** Applies to the changes from now on, counted from 1 again. */
  arrange(options: MemoryFilesOptions): void
  /** The power goes now, and this file system is dead; another one comes back with what survived. */
  cutPower(survival: Survival, options?: MemoryFilesOptions): MemoryFiles
  /** Every file under a directory, by its path within it; undefined when there is no such directory. */
  tree(path: string): Map<string, Uint8Array> | undefined
}

interface FileNode {
  kind: 'file'
  bytes: Uint8Array
  durable: Uint8Array
}

interface DirectoryNode {
  kind: 'directory'
  names: Map<string, Node>
  /** Every state since the last sync, the synced one first. */
  history: Map<string, Node>[]
}

type Node = FileNode | DirectoryNode

export class PowerCutError extends Error {
  override name = 'PowerCutError'
}

/**
 * A file system in memory that knows what would survive a power cut: file content as of its last sync, and the names
 * in a directory as of the directory's last sync.
 */
export function createMemoryFiles(options: MemoryFilesOptions = {}): MemoryFiles {
  return memoryFiles(newDirectory(), options)
}

function memoryFiles(root: DirectoryNode, options: MemoryFilesOptions): MemoryFiles {
  let { stopAt = Infinity, fullAt = Infinity } = options
  let log: string[] = []
  let isDead = false

  function guard(): void {
    if (isDead) throw new PowerCutError('the power is off')
  }

  /** Runs `torn` instead of `change` when the power goes here: a write may leave half of itself. */
  function change<T>(
    name: string,
    run: () => T,
    { needsRoom = false, torn }: { needsRoom?: boolean; torn?: () => void } = {},
  ): T {
    guard()
    log.push(name)
    if (log.length >= stopAt) {
      torn?.()
      isDead = true
      throw new PowerCutError(`the power went at change ${log.length}: ${name}`)
    }
    if (needsRoom && log.length >= fullAt) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
    return run()
  }

  function find(path: string): Node | undefined {
    let node: Node | undefined = root
    for (const name of segmentsOf(path)) node = node?.kind === 'directory' ? node.names.get(name) : undefined
    return node
  }

  function directory(path: string): DirectoryNode {
    const node = find(path)
    if (node?.kind !== 'directory') throw missing(path)
    return node
  }

  function file(path: string): FileNode {
    const node = find(path)
    if (node?.kind !== 'file') throw missing(path)
    return node
  }

  function link(path: string, node: Node | undefined): void {
    const { parent, name } = split(path)
    const target = directory(parent)
    if (node) target.names.set(name, node)
    else target.names.delete(name)
    target.history.push(new Map(target.names))
  }

  function put(path: string, offset: number, bytes: Uint8Array): void {
    const found = find(path)
    if (found?.kind === 'directory') throw missing(path)
    const node: FileNode = found ?? { kind: 'file', bytes: new Uint8Array(), durable: new Uint8Array() }
    const joined = new Uint8Array(offset + bytes.length)
    joined.set(node.bytes.subarray(0, offset))
    joined.set(bytes, offset)
    node.bytes = joined
    if (!found) link(path, node)
  }

  function syncNode(node: FileNode): void {
    node.durable = node.bytes
  }

  function removeNode(path: string): void {
    const node = find(path)
    if (!node) return
    if (node.kind === 'directory') for (const name of node.names.keys()) removeNode(`${path}/${name}`)
    change(`remove ${path}`, () => link(path, undefined))
  }

  const port: FilesPort = {
    async read(path) {
      guard()
      const node = find(path)
      if (node?.kind === 'directory') throw missing(path)
      return node?.bytes.slice()
    },
    async readRange(path, offset, length) {
      guard()
      return file(path).bytes.slice(offset, offset + length)
    },
    async write(path, bytes) {
      const half = () => put(path, 0, bytes.subarray(0, bytes.length >> 1))
      change(`write ${path}`, () => put(path, 0, bytes), { needsRoom: true, torn: half })
      change(`sync ${path}`, () => syncNode(file(path)))
    },
    async append(path, offset, bytes) {
      const half = () => put(path, offset, bytes.subarray(0, bytes.length >> 1))
      change(`append ${path}`, () => put(path, offset, bytes), { needsRoom: true, torn: half })
    },
    async sync(path) {
      change(`sync ${path}`, () => syncNode(file(path)))
    },
    async syncDirectory(path) {
      change(`syncDirectory ${path || '.'}`, () => {
        const node = directory(path)
        node.history = [new Map(node.names)]
      })
    },
    async rename(from, to) {
      change(`rename ${from} -> ${to}`, () => {
        const node = find(from)
        if (!node) throw missing(from)
        if (find(to)?.kind === 'directory') throw new Error(`there is a directory at ${to}`)
        if (split(from).parent === split(to).parent) {
          // Within one directory a rename is one change of it: never both names, never none.
          const parent = directory(split(from).parent)
          parent.names.delete(split(from).name)
          link(to, node)
          return
        }
        link(to, node)
        link(from, undefined)
      })
    },
    async remove(path) {
      guard()
      removeNode(path)
    },
    async makeDirectory(path) {
      guard()
      segmentsOf(path).reduce((parent, name) => {
        const at = parent ? `${parent}/${name}` : name
        if (!find(at)) change(`makeDirectory ${at}`, () => link(at, newDirectory()), { needsRoom: true })
        return at
      }, '')
    },
    locate: (path) => `/memory/${path}`,
    async stat(path): Promise<FileStat | undefined> {
      guard()
      const node = find(path)
      return node && { kind: node.kind, sizeBytes: node.kind === 'file' ? node.bytes.length : 0 }
    },
  }

  return {
    ...port,
    changes: () => log.length,
    log: () => log,
    hasStopped: () => isDead,
    arrange(next) {
      log = []
      stopAt = next.stopAt ?? Infinity
      fullAt = next.fullAt ?? Infinity
    },
    cutPower(survival, next = {}) {
      isDead = true
      const left = survivor(root, survival)
      return memoryFiles(left.kind === 'directory' ? left : newDirectory(), next)
    },
    tree(path) {
      const node = find(path)
      return node?.kind === 'directory' ? new Map(filesOf(node, '')) : undefined
    },
  }
}

function survivor(node: Node, survival: Survival): Node {
  if (node.kind === 'file') {
    const bytes = survivingBytes(node, survival)
    return { kind: 'file', bytes, durable: bytes }
  }
  const index =
    survival === 'worst' ? 0 : survival === 'best' ? -1 : Math.floor(survival.random() * node.history.length)
  const kept = node.history.at(index) ?? new Map<string, Node>()
  const names = new Map([...kept].map(([name, child]) => [name, survivor(child, survival)]))
  return { kind: 'directory', names, history: [new Map(names)] }
}

function survivingBytes({ bytes, durable }: FileNode, survival: Survival): Uint8Array {
  if (survival === 'best') return bytes
  if (survival === 'worst' || bytes === durable) return durable
  const choice = survival.random()
  if (choice < 0.3) return durable
  if (choice < 0.6) return bytes
  // The size arrived before the content.
  return bytes.slice().fill(0, Math.floor(survival.random() * bytes.length))
}

function* filesOf(node: DirectoryNode, prefix: string): Generator<[string, Uint8Array]> {
  for (const [name, child] of node.names) {
    if (child.kind === 'file') yield [prefix + name, child.bytes]
    else yield* filesOf(child, `${prefix}${name}/`)
  }
}

function newDirectory(): DirectoryNode {
  return { kind: 'directory', names: new Map(), history: [new Map()] }
}

function segmentsOf(path: string): string[] {
  return path.split('/').filter(Boolean)
}

function split(path: string): { parent: string; name: string } {
  const at = path.lastIndexOf('/')
  return { parent: path.slice(0, Math.max(0, at)), name: path.slice(at + 1) }
}

function missing(path: string): Error {
  return Object.assign(new Error(`no such file or directory: ${path}`), { code: 'ENOENT' })
}
