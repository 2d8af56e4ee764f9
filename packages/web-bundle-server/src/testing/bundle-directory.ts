import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

export interface Build {
  zip: Buffer
  version: string
  minNativeVersion: string
  checksum: string
}

/** Bytes enough that a download takes several reads, and no two builds alike. */
export function buildOf(version: string, { minNativeVersion = '1.0.0', sizeBytes = 300_000 } = {}): Build {
  const zip = Buffer.alloc(sizeBytes, `PK ${version} `)
  return { zip, version, minNativeVersion, checksum: sha256(zip) }
}

/** As an image has it. `bound`: the checksums are of the version, too. */
export function filesOf(
  { zip, version, minNativeVersion, checksum }: Build,
  form: 'bound' | 'hash' | 'line' = 'bound',
) {
  const versionText = `${version}\n`
  const minimumText = `${minNativeVersion}\n`
  const sums = {
    hash: checksum,
    line: `${checksum}  bundle.zip\n`,
    bound: `${checksum}  bundle.zip\n${sha256(versionText)}  VERSION\n${sha256(minimumText)}  MIN_NATIVE_VERSION\n`,
  }
  return {
    'bundle.zip': zip,
    'bundle.sha256': sums[form],
    VERSION: versionText,
    MIN_NATIVE_VERSION: minimumText,
  } as Record<string, Buffer | string>
}

export async function writeFiles(directory: string, files: Record<string, Buffer | string>): Promise<void> {
  await mkdir(directory, { recursive: true })
  for (const [name, content] of Object.entries(files)) await writeFile(join(directory, name), content)
}

/** Nobody sees half of it. */
export async function replaceFile(directory: string, name: string, content: Buffer | string): Promise<void> {
  await writeFile(join(directory, `.${name}.new`), content)
  await rename(join(directory, `.${name}.new`), join(directory, name))
}

export async function makeDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'hotpatch-bundle-test-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  return directory
}

export function sha256(bytes: Buffer | string): string {
  return createHash('sha256').update(bytes).digest('hex')
}
