import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { openKit, type ArtifactSource, type Kit, type KitPlan } from '@hotpatch/kit'
import { newSigningKey } from '@hotpatch/testkit'
import { nodePorts } from '../../packages/kit/src/kit/kit-parts.ts'
import { createStaging } from '../../packages/kit/src/staging/stage.ts'
import type { Measurement } from '../finding.ts'
import { makeDirectory, removeDirectory } from '../sandbox.ts'
import { alternate, median, ratioOf } from '../statistics.ts'
import { writeKitBundle } from '../kit-bundle.ts'

const COMPONENTS = 5
const MIB = 1024 * 1024

/** What lies between the answer of a server and the first thing that is touched: of a release whose bytes are here. */
export const kitPlan: Measurement = {
  name: 'kit-plan',
  async measure(bench) {
    const megabytes = bench.choose(500, 50)
    const directory = makeDirectory()
    const root = join(directory, 'root')
    const bundle = join(directory, 'bundle')
    await mkdir(root)
    await mkdir(join(bundle, 'artifacts'), { recursive: true })
    const key = newSigningKey()
    const files = await writeFiles(join(bundle, 'artifacts'), (megabytes * MIB) / COMPONENTS)
    await writeKitBundle(bundle, { key, files })
    const components = Object.fromEntries(files.map((_, index) => [`part-${index}`, { path: `part-${index}` }]))
    await writeFile(join(root, 'kit.json'), JSON.stringify({ publicKeys: [key.publicKey], components }))
    const kit = await openKit({ root, environment: {}, installerVersion: '1.0.0', process })
    const staging = createStaging(nodePorts({ root, environment: {}, process }))
    const source: ArtifactSource = { kind: 'folder', path: bundle }
    // Brings the files, which is no part of what is measured.
    await staging.stage(await planOf(kit, bundle), source)

    async function planAndVerify(): Promise<number> {
      const startedAt = performance.now()
      const { receivedBytes } = await staging.stage(await planOf(kit, bundle), source)
      if (receivedBytes !== 0) throw new Error(`Expected everything to be there, ${receivedBytes} bytes were brought.`)
      return (performance.now() - startedAt) / 1000
    }

    const paths = files.map(({ sha256 }) => join(root, '.kit', 'artifacts', sha256))
    const contenders = { own: planAndVerify, sha256sum: () => sha256sum(paths) }
    const seconds = await alternate(contenders, bench.choose(7, 3))
    removeDirectory(directory)
    const ratio = ratioOf(seconds.own, seconds.sha256sum)
    return [
      {
        what: `plan and verify a kit of ${megabytes} MB`,
        value: median(seconds.own) * 1000,
        unit: 'ms',
        ratio: ratio.value,
        spread: ratio.spread,
        comparedWith: 'sha256sum',
        budget: '<= 2.00',
        met: ratio.value <= 2,
        note: `${COMPONENTS} components, whose bytes are here`,
      },
    ]
  },
}

async function planOf(kit: Kit, bundle: string): Promise<KitPlan> {
  const planned = await kit.plan({ bundle })
  if ('plan' in planned) return planned.plan
  throw new Error(`Expected a plan, found ${planned.kind}.`)
}

async function writeFiles(directory: string, bytes: number): Promise<{ sha256: string; sizeBytes: number }[]> {
  const files: { sha256: string; sizeBytes: number }[] = []
  for (let index = 0; index < COMPONENTS; index += 1) files.push(await writeRandom(directory, bytes))
  return files
}

/** Under its digest. */
async function writeRandom(directory: string, bytes: number): Promise<{ sha256: string; sizeBytes: number }> {
  const path = join(directory, 'new')
  const file = await open(path, 'w')
  let sizeBytes = 0
  while (sizeBytes < bytes) sizeBytes += (await file.write(randomBytes(MIB))).bytesWritten
  await file.sync()
  await file.close()
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  const sha256 = hash.digest('hex')
  await rename(path, join(directory, sha256))
  return { sha256, sizeBytes }
}

async function sha256sum(paths: readonly string[]): Promise<number> {
  const startedAt = performance.now()
  await promisify(execFile)('sha256sum', [...paths])
  return (performance.now() - startedAt) / 1000
}
