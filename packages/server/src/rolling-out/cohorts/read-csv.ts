import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setImmediate } from 'node:timers/promises'
import { COHORT_LIMITS } from '@hotpatch/api'
import { problem } from '@hotpatch/protocol'
import { CsvError, parse } from 'csv-parse'

/** What the first column may be called. */
const HEADER = /^(?:device[ _-]?)?id$|^devices?$/i
const OPTIONS = { bom: true, trim: true, relaxColumnCount: true, skipEmptyLines: true, maxRecordSize: 10_000 }
/** Read at once; then checks that wait get their turn. A whole file in one go would hold them up for a second. */
const PART_BYTES = 64 * 1024

/**
 * The device ids in the first column of a CSV file; a header and further columns are passed over.
 * @throws problem invalid-request naming the line, or body-too-large
 */
export async function readDeviceIdsFromCsv(file: Readable): Promise<string[]> {
  const ids: string[] = []
  try {
    const parts = partsOf(file)
    const first = await parts.next()
    const delimiter = first.done ? ',' : delimiterOf(first.value)
    await pipeline(
      startingWith(first, parts),
      parse({ ...OPTIONS, delimiter }),
      async (rows: AsyncIterable<string[]>) => {
        let line = 0
        for await (const [first = ''] of rows) {
          line += 1
          if (first === '' || (line === 1 && HEADER.test(first))) continue
          if (ids.length === COHORT_LIMITS.devicesOfCohort) throw tooMany()
          ids.push(first)
        }
      },
    )
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause
    throw problem('invalid-request', `The file is not CSV: ${cause.message}.`, {}, { cause })
  }
  if (ids.length > 0) return ids
  throw problem('invalid-request', 'Expected a CSV file with a device id in each line, found none.')
}

/** Spreadsheets write what their country writes between numbers: by the first line, as far as nobody quoted it. */
function delimiterOf(start: Buffer): string {
  const [line = ''] = start.toString('latin1').split(/\r?\n/, 1)
  const bare = line.replace(/"(?:[^"]|"")*"/g, '')
  return [',', ';', '\t'].find((each) => bare.includes(each)) ?? ','
}

async function* startingWith(first: IteratorResult<Buffer, void>, rest: AsyncGenerator<Buffer>) {
  if (first.done) return
  yield first.value
  yield* rest
}

async function* partsOf(file: Readable): AsyncGenerator<Buffer> {
  let sizeBytes = 0
  // What is refused half way through is answered on the connection that it comes on.
  for await (const chunk of file.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length
    if (sizeBytes > COHORT_LIMITS.csvBytes) throw tooLarge()
    for (let start = 0; start < chunk.length; start += PART_BYTES) {
      yield chunk.subarray(start, start + PART_BYTES)
      await setImmediate()
    }
  }
}

function tooMany() {
  return problem('invalid-request', `Expected at most ${COHORT_LIMITS.devicesOfCohort} devices, found more.`)
}

function tooLarge() {
  return problem('body-too-large', `Expected at most ${COHORT_LIMITS.csvBytes} bytes of CSV, found more. Send parts.`)
}
