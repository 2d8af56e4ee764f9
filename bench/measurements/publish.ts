import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { open, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { appImage } from '@hotpatch/testkit'
import { hasObjectStore, OBJECT_STORE_MISSING, startObjectStore } from '@hotpatch/testkit/object-store'
import { writeBundle, type Content } from '../bundle-file.ts'
import type { Bench, Finding, Measurement } from '../finding.ts'
import { peakResidentMib } from '../process-usage.ts'
import { endAtCleanUp, makeDirectory, removeDirectory, startHotPatch } from '../sandbox.ts'
import { alternate, median, ratioOf } from '../statistics.ts'
import { createPublisher } from '../upload.ts'

const MEGABYTES = 50
/** The smallest leaves less behind than a collection of garbage waits for; the others are compared. */
const MEMORY_SIZES = [5, 50, 200] as const
/** Of one file of a whole app. */
const UPLOAD_SIZES = [50, 500] as const
/** Of a zip on its way to an object store. */
const STORE_SIZES = [50, 1_000] as const
const QUICK_STORE_SIZE = 200
/** More than any of them has, packed or not. */
const ROOM_BYTES = String(8 * 1024 ** 3)
const MOST_MEMORY = 1.2
const REFUSED = 422

export const publish: Measurement = {
  name: 'publish',
  measure: async (bench) => [
    ...(await measureTime(bench)),
    ...(await measureMemory()),
    await measureUploadMemory(),
    await measureStoreMemory(bench),
  ],
}

async function measureTime(bench: Bench): Promise<Finding[]> {
  const directory = makeDirectory()
  const dataDirectory = join(directory, 'data')
  const server = await startHotPatch(dataDirectory)
  const publisher = await createPublisher(server, dataDirectory)
  const file = join(directory, 'bundle.zip')
  let variant = 0
  const publishing = (content: Content) => async () => {
    await writeBundle(file, MEGABYTES, content, ++variant)
    return publisher.publish(file, content === 'none' ? REFUSED : 201)
  }
  const byHand = async () => {
    await writeBundle(file, MEGABYTES, 'mixed', ++variant)
    return hashAndCopy(file, join(directory, 'copy.zip'))
  }
  await publishing('mixed')() // until what runs often is compiled
  const contenders = { mixed: publishing('mixed'), stored: publishing('stored'), refused: publishing('none'), byHand }
  const seconds = await alternate(contenders, bench.choose(7, 2))
  const { size } = await stat(file)
  await server.stop()
  removeDirectory(directory)

  const finding = (what: string, name: keyof typeof contenders): Finding => ({
    what,
    value: size / 1e6 / median(seconds[name]),
    unit: 'MB/s',
  })
  const compared = (name: keyof typeof contenders) => {
    const ratio = ratioOf(seconds.byHand, seconds[name])
    return { ratio: ratio.value, spread: ratio.spread, comparedWith: 'sha256sum + cp + sync' }
  }
  const whole = compared('mixed')
  const received = compared('refused')
  return [
    {
      ...finding(`publish ${MEGABYTES} MB`, 'mixed'),
      ...whole,
      budget: '>= 0.50',
      met: whole.ratio >= 0.5,
      note: 'received, hashed, every entry unpacked and checked, stored durably, announced',
    },
    { ...finding(`publish ${MEGABYTES} MB, nothing to unpack`, 'stored'), ...compared('stored') },
    {
      ...finding(`receive and hash ${MEGABYTES} MB, then refuse`, 'refused'),
      ...received,
      note: 'not an archive: neither checked nor stored',
    },
  ]
}

/** The same work with the machine's own tools, on the same disk. */
async function hashAndCopy(file: string, copy: string): Promise<number> {
  const startedAt = performance.now()
  const script = 'sha256sum "$1" && cp --reflink=never "$1" "$2" && sync "$2"'
  await promisify(execFile)('sh', ['-c', script, 'sh', file, copy])
  return (performance.now() - startedAt) / 1000
}

async function measureMemory(): Promise<Finding[]> {
  const peaks: number[] = []
  for (const megabytes of MEMORY_SIZES) peaks.push(await peakOfPublish(megabytes))
  const [small = 0, medium = 0, large = 0] = peaks
  const what = `peak memory of publishing ${MEMORY_SIZES[2]} MB`
  const note = `${small.toFixed(0)} MiB with ${MEMORY_SIZES[0]} MB; of a whole server that was just started`
  return [{ ...comparePeaks(what, { megabytes: MEMORY_SIZES[1], medium, large }), note }]
}

/** As on many machines: what was received goes on to the store in parts. */
async function measureStoreMemory(bench: Bench): Promise<Finding> {
  const [few, many] = STORE_SIZES
  const megabytes = bench.choose(many, QUICK_STORE_SIZE)
  const what = `peak memory of publishing ${megabytes} MB into an object store`
  if (!hasObjectStore()) return { what, value: undefined, unit: 'MiB', note: OBJECT_STORE_MISSING }
  const store = await startObjectStore()
  const isOver = endAtCleanUp(() => void store.kill())
  const env = { ...store.env, HOTPATCH_MAX_BUNDLE_BYTES: ROOM_BYTES, HOTPATCH_MAX_UNPACKED_BYTES: ROOM_BYTES }
  const [medium, large] = [await peakOfPublish(few, env), await peakOfPublish(megabytes, env)]
  await store.stop()
  isOver()
  const note = 'a zip of the API, to OpenStack Swift by its S3 interface; of a whole server that was just started'
  return { ...comparePeaks(what, { megabytes: few, medium, large }), note }
}

function comparePeaks(what: string, of: { megabytes: number; medium: number; large: number }): Finding {
  const ratio = of.large / of.medium
  const comparedWith = `that of ${of.megabytes} MB`
  const budget = `<= ${MOST_MEMORY.toFixed(2)}`
  return { what, value: of.large, unit: 'MiB', ratio, comparedWith, budget, met: ratio <= MOST_MEMORY }
}

async function peakOfPublish(megabytes: number, env: Readonly<Record<string, string>> = {}): Promise<number> {
  const directory = makeDirectory()
  const dataDirectory = join(directory, 'data')
  const server = await startHotPatch(dataDirectory, env)
  const publisher = await createPublisher(server, dataDirectory)
  const file = join(directory, 'bundle.zip')
  await writeBundle(file, megabytes, 'mixed', 0)
  await publisher.publish(file)
  const peak = peakResidentMib(server.pid)
  await server.stop()
  removeDirectory(directory)
  return peak
}

async function measureUploadMemory(): Promise<Finding> {
  const [few, many] = UPLOAD_SIZES
  const [medium, large] = [await peakOfUpload(few), await peakOfUpload(many)]
  const peaks = comparePeaks(`peak memory of a file of ${many} MB by tus`, { megabytes: few, medium, large })
  return { ...peaks, note: 'an AppImage in one piece; of a whole server that was just started' }
}

async function peakOfUpload(megabytes: number): Promise<number> {
  const directory = makeDirectory()
  const dataDirectory = join(directory, 'data')
  const server = await startHotPatch(dataDirectory)
  const publisher = await createPublisher(server, dataDirectory)
  const file = join(directory, 'Bench.AppImage')
  const sha256 = await writeAppImage(file, megabytes)
  await publisher.uploadResumably(file, sha256)
  const peak = peakResidentMib(server.pid)
  await server.stop()
  removeDirectory(directory)
  return peak
}

/** Returns its SHA-256. */
async function writeAppImage(path: string, megabytes: number): Promise<string> {
  const hash = createHash('sha256')
  const file = await open(path, 'w')
  const piece = randomBytes(1_000_000)
  for (let index = 0; index < megabytes; index += 1) {
    const bytes = index === 0 ? appImage(piece) : piece
    hash.update(bytes)
    await file.writeFile(bytes)
  }
  await file.close()
  return hash.digest('hex')
}
