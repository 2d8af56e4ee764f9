import { randomUUID } from 'node:crypto'
import { mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { assertPublicName, type PublicFiles } from './public-files.ts'

/** On a disk headers are for the web server to say. */
export function createDiskPublicFiles({ directory }: { directory: string }): PublicFiles {
  function pathOf(name: string): string {
    assertPublicName(name)
    return join(directory, name)
  }

  async function write(name: string, text: string): Promise<void> {
    const path = pathOf(name)
    await mkdir(dirname(path), { recursive: true, mode: 0o755 })
    const part = `${path}.${randomUUID()}.part`
    try {
      await writeDurably(part, text)
      await rename(part, path)
    } catch (error) {
      await rm(part, { force: true })
      throw error
    }
  }

  async function remove(names: readonly string[]): Promise<void> {
    for (const path of names.map(pathOf)) await rm(path, { force: true })
  }

  return { write, remove }
}

async function writeDurably(path: string, text: string): Promise<void> {
  const handle = await open(path, 'wx', 0o644)
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
}
