import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const TOOL = fileURLToPath(new URL('../../packages/cli/bin/hotpatch.js', import.meta.url))

/**
 * A folder for PATH in which npx and npm have this checkout's tool for the published one, and nothing else: they refuse
 * what their real ones would be asked for beside it.
 */
export async function installToolPrograms(directory: string): Promise<string> {
  const own = join(directory, 'programs')
  const ofPackage = join(directory, 'package-programs')
  for (const folder of [own, ofPackage]) await mkdir(folder, { recursive: true })
  const tool = `#!/bin/sh\nexec "${process.execPath}" "${TOOL}" "$@"\n`
  await writeProgram(join(ofPackage, 'hotpatch'), tool)
  await writeProgram(
    join(own, 'npx'),
    [
      '#!/bin/sh',
      '[ "$1" = --yes ] || { echo "npx: would ask" >&2; exit 9; }',
      'shift',
      'case "$1 $2" in',
      `  "--package hotpatch@"[0-9]*) [ "$3" = -c ] || exit 9; PATH="${ofPackage}:$PATH" exec sh -c "$4";;`,
      `  "hotpatch@"[0-9]*) shift; exec "${join(ofPackage, 'hotpatch')}" "$@";;`,
      '  *) echo "npx: another package: $1 $2" >&2; exit 9;;',
      'esac',
      '',
    ].join('\n'),
  )
  await writeProgram(
    join(own, 'npm'),
    [
      '#!/bin/sh',
      'case "$*" in',
      `  "install --global hotpatch@"[0-9]*) ln -sf "${join(ofPackage, 'hotpatch')}" "${join(own, 'hotpatch')}";;`,
      '  *) echo "npm: something else: $*" >&2; exit 9;;',
      'esac',
      '',
    ].join('\n'),
  )
  await writeProgram(join(own, 'node'), `#!/bin/sh\nexec "${process.execPath}" "$@"\n`)
  return dirname(join(own, 'npx'))
}

async function writeProgram(path: string, text: string): Promise<void> {
  await writeFile(path, text)
  await chmod(path, 0o755)
}
