import type { FilesPort, FileStat } from '@hotpatch/client'
import type { ContentPool } from './content-pool.ts'

/** A file is its bytes, a directory the names in it: nothing else is stored for thousands of devices. */
type Node = Uint8Array | Directory
type Directory = Map<string, Node>

const EMPTY = new Uint8Array()

/**
 * The private folder of one simulated device, whose power never goes. What a release consists of is shared with
 * every other device that has it.
 */
export function createDeviceFiles(pool: ContentPool): FilesPort {
  const root: Directory = new Map()

  function find(path: string): Node | undefined {
    let node: Node | undefined = root
    for (const name of namesOf(path)) node = node instanceof Map ? node.get(name) : undefined
    return node
  }

  function directory(path: string): Directory {
    const node = find(path)
    if (node instanceof Map) return node
    throw missing(path)
  }

  function file(path: string): Uint8Array {
    const node = find(path)
    if (node instanceof Uint8Array) return node
    throw missing(path)
  }

  function put(path: string, node: Node): void {
    directory(parentOf(path)).set(nameOf(path), node)
  }

  return {
    read: async (path) => {
      const node = find(path)
      if (node instanceof Map) throw missing(path)
      return node
    },
    readRange: async (path, offset, length) => file(path).subarray(offset, offset + length),
    write: async (path, bytes) => put(path, isOwn(path) ? bytes : pool.share(bytes)),
    append: async (path, offset, bytes) => {
      const existing = find(path)
      if (existing instanceof Map) throw missing(path)
      put(path, pool.extend(existing ?? EMPTY, offset, bytes))
    },
    sync: async (path) => put(path, pool.share(file(path))),
    syncDirectory: async (path) => void directory(path),
    rename: async (from, to) => {
      const node = find(from)
      if (!node) throw missing(from)
      put(to, node)
      directory(parentOf(from)).delete(nameOf(from))
    },
    remove: async (path) => {
      const parent = find(parentOf(path))
      if (parent instanceof Map) parent.delete(nameOf(path))
    },
    makeDirectory: async (path) => {
      let parent = root
      for (const name of namesOf(path)) {
        let child = parent.get(name)
        if (child === undefined) {
          child = new Map()
          parent.set(name, child)
        }
        if (!(child instanceof Map)) throw missing(path)
        parent = child
      }
    },
    locate: (path) => `/simulated/${path}`,
    stat: async (path): Promise<FileStat | undefined> => {
      const node = find(path)
      if (node instanceof Map) return { kind: 'directory', sizeBytes: 0 }
      return node && { kind: 'file', sizeBytes: node.length }
    },
  }
}

/** The engine's notes lie directly in ota/, and no two devices have the same. */
function isOwn(path: string): boolean {
  return namesOf(path).length <= 2
}

function namesOf(path: string): string[] {
  return path === '' ? [] : path.split('/')
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')))
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

function missing(path: string): Error {
  return Object.assign(new Error(`no such file or directory: ${path}`), { code: 'ENOENT' })
}
