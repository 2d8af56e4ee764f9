// A process of its own for each patch that is made or applied, so that its peak of memory is its own:
// make|apply KIND BASE TARGET PATCH. BASE and TARGET are folders of the kind `tree`, and files of the other kinds.
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { applyBsdiff, patchSource, readTreePatch, treeDigest, type BsdiffFormat } from '@hotpatch/delta'
import { makeBsdiff, makeTreePatch, type SourceFile } from '@hotpatch/delta/make'
import { nodeSha256, nodeUnpacking } from '@hotpatch/delta/node'

/** What it says on its standard output, as JSON. */
export interface PatchUsage {
  /** Of the thread that makes or applies: what else the machine does is not in it. */
  processorMs: number
  peakMib: number
}

const APPLICATIONS = 9
const MIB = 1024

const [does, kind, base, target, patch] = process.argv.slice(2) as ['make' | 'apply', string, string, string, string]
const processorMs = does === 'make' ? await make() : await apply()
console.log(JSON.stringify({ processorMs, peakMib: process.resourceUsage().maxRSS / MIB } satisfies PatchUsage))

async function make(): Promise<number> {
  const start = process.threadCpuUsage()
  const [bytes] =
    kind === 'tree'
      ? (await makeTreePatch(filesOf(base), filesOf(target), { packings: ['brotli'] })).patches.map(
          (made) => made.bytes,
        )
      : await makeBsdiff(readFileSync(base), readFileSync(target), { formats: [kind as BsdiffFormat] })
  const spent = millisecondsSince(start)
  writeFileSync(patch, bytes!)
  return spent
}

/** The median: the first ones run code that is not compiled yet, as a device does. */
async function apply(): Promise<number> {
  const once = kind === 'tree' ? await treeApplication() : await fileApplication()
  const spent: number[] = []
  for (let count = 0; count < APPLICATIONS; count += 1) {
    const start = process.threadCpuUsage()
    await once()
    spent.push(millisecondsSince(start))
  }
  return spent.sort((a, b) => a - b)[APPLICATIONS >> 1]!
}

async function fileApplication(): Promise<() => Promise<unknown>> {
  const bytes = readFileSync(target)
  const announced = { sizeBytes: bytes.length, sha256: digestOf(bytes) }
  const input = { patch: readFileSync(patch), base: readFileSync(base), target: announced, sha256: nodeSha256 }
  return () => applyBsdiff(input)
}

async function treeApplication(): Promise<() => Promise<unknown>> {
  const files = filesOf(base)
  const targetSha256 = await treeDigest(filesOf(target), nodeSha256)
  const bytes = readFileSync(patch)
  const limits = { maxFileBytes: 2 ** 30, maxTargetBytes: 2 ** 30 }
  return async () => {
    const read = {
      patch: patchSource(bytes),
      base: files,
      targetSha256,
      sha256: nodeSha256,
      unpacking: nodeUnpacking,
      limits,
    }
    const made = (await readTreePatch(read)).make(({ path }) => readFileSync(join(base, path)))
    while (!(await made.next()).done);
  }
}

function filesOf(folder: string): SourceFile[] {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  return paths
    .filter((path) => statSync(join(folder, path)).isFile())
    .map((path) => {
      const bytes = readFileSync(join(folder, path))
      return {
        path: path.replaceAll('\\', '/'),
        sizeBytes: bytes.length,
        sha256: digestOf(bytes),
        read: () => Promise.resolve(readFileSync(join(folder, path))),
      }
    })
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function millisecondsSince(start: NodeJS.CpuUsage): number {
  const { user, system } = process.threadCpuUsage(start)
  return (user + system) / 1000
}
