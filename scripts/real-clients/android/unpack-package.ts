import { access, mkdir, mkdtemp, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { FOLDER, run } from './command.ts'

/** @returns where what npm has of a package lies, as it was published */
export async function unpackPackage(name: string, version: string): Promise<string> {
  const into = join(FOLDER, 'packages', `${name.replaceAll(/\W+/g, '-')}-${version}`)
  if (!(await exists(join(into, 'package')))) {
    await mkdir(into, { recursive: true })
    const { stdout } = await run('npm', ['pack', `${name}@${version}`, '--silent'], into)
    // Whole or not at all, whoever else does the same.
    const whole = await mkdtemp(join(into, 'unpacked-'))
    await run('tar', ['xzf', join(into, stdout.trim()), '-C', whole], into)
    await rename(join(whole, 'package'), join(into, 'package'))
  }
  return join(into, 'package')
}

export async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
