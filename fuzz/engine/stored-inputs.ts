import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const at = (folder: string) => fileURLToPath(new URL(`../${folder}/`, import.meta.url))

/** What the tests replay. Small, and in the repository. */
export const CORPUS = at('corpus')
/** What earlier runs on this machine have found out, from which the next one goes on. */
export const WORK = at('work')
export const FINDINGS = at('findings')

/** Of one target in the repository, besides what once was a finding. */
const MAX_CORPUS_BYTES = 5_000
const MAX_CORPUS_FILES = 24
const WAS_FINDING = 'finding-'

export async function readInputs(folder: string, name: string): Promise<Uint8Array[]> {
  const directory = join(folder, name)
  const files: string[] = await readdir(directory).catch(() => [])
  return Promise.all(files.sort().map((file) => readFile(join(directory, file))))
}

/** Instead of those before, but for what was a finding, which stays for ever. */
export async function keepCorpus(
  folder: string,
  name: string,
  inputs: readonly Uint8Array[],
  maxBytes = MAX_CORPUS_BYTES,
) {
  const directory = join(folder, name)
  await mkdir(directory, { recursive: true })
  for (const file of await readdir(directory)) if (!file.startsWith(WAS_FINDING)) await rm(join(directory, file))
  let left = maxBytes
  const maxFiles = maxBytes === Infinity ? Infinity : MAX_CORPUS_FILES
  for (const input of inputs.slice(0, maxFiles)) {
    if (input.length === 0 || input.length > left) continue
    left -= input.length
    await writeFile(join(directory, createHash('sha256').update(input).digest('hex').slice(0, 12)), input)
  }
}
