import { readdir } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { MODULES } from './modules.ts'

/** In files whose names end in `Test.kt`: each has a class of that name. @param part of its full name, in any case */
export async function findTestClasses(android: string, part: string): Promise<{ name: string; module: string }[]> {
  const found = await Promise.all(
    MODULES.map(async ({ name: module, folder }) => {
      if (!module.endsWith('-tests')) return []
      const files = await readdir(join(android, folder), { recursive: true }).catch(() => [])
      const below = relative('src/test/kotlin', folder)
      return files
        .filter((file) => file.endsWith('Test.kt'))
        .sort()
        .map((file) => ({ name: join(below, file).slice(0, -'.kt'.length).replaceAll(sep, '.'), module }))
    }),
  )
  return found.flat().filter(({ name }) => name.toLowerCase().includes(part.toLowerCase()))
}
