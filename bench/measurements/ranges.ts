import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { get, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { writeBundle } from '../bundle-file.ts'
import type { Bench, Finding, Measurement } from '../finding.ts'
import { peakResidentMib } from '../process-usage.ts'
import { makeDirectory, removeDirectory, startHotPatch } from '../sandbox.ts'
import { alternate, median, ratioOf } from '../statistics.ts'
import { createPublisher } from '../upload.ts'

const MEGABYTES = 50
const RANGES = 500
const RANGE_BYTES = 16 * 1024

/** What a client asks for that puts a new file together from an old one and what changed. */
export const ranges: Measurement = { name: 'ranges', measure: measureRanges }

async function measureRanges(bench: Bench): Promise<Finding[]> {
  const directory = makeDirectory()
  const dataDirectory = join(directory, 'data')
  const server = await startHotPatch(dataDirectory)
  const publisher = await createPublisher(server, dataDirectory)
  const file = join(directory, 'bundle.zip')
  await writeBundle(file, MEGABYTES, 'stored', 1)
  await publisher.publish(file)
  const bytes = await readFile(file)
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  const url = `${server.url}/artifacts/${sha256}`
  const stride = Math.floor(bytes.length / RANGES)
  const parts = Array.from({ length: RANGES }, (_, index) => `${index * stride}-${index * stride + RANGE_BYTES - 1}`)
  const all = RANGES * RANGE_BYTES
  const several = () => take(url, `bytes=${parts.join(', ')}`, all)
  const one = () => take(url, `bytes=0-${all - 1}`, all)
  await several() // until what runs often is compiled
  const before = peakResidentMib(server.pid)
  const seconds = await alternate({ several, one }, bench.choose(41, 5))
  const grown = peakResidentMib(server.pid) - before
  await server.stop()
  removeDirectory(directory)
  const ratio = ratioOf(seconds.one, seconds.several)
  return [
    {
      what: `${RANGES} ranges of ${RANGE_BYTES / 1024} KiB in one request`,
      value: all / 1e6 / median(seconds.several),
      unit: 'MB/s',
      ratio: ratio.value,
      spread: ratio.spread,
      comparedWith: 'one range of as many bytes',
      note: `memory grew by ${grown.toFixed(0)} MiB meanwhile`,
    },
  ]
}

/** Resolves to the time that it took, in seconds. */
async function take(url: string, range: string, atLeast: number): Promise<number> {
  const startedAt = performance.now()
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  get(url, { headers: { range } }, resolve).on('error', reject)
  const answer = await promise
  let received = 0
  for await (const chunk of answer as AsyncIterable<Buffer>) received += chunk.length
  if (answer.statusCode !== 206 || received < atLeast) {
    throw new Error(`Expected 206 and ${atLeast} bytes, received ${answer.statusCode} and ${received}.`)
  }
  return (performance.now() - startedAt) / 1000
}
