import { COHORT_LIMITS } from '@hotpatch/api'
import { problem } from '@hotpatch/protocol'
import { CsvError, parse } from 'csv-parse/sync'

/** What the first column may be called. */
const HEADER = /^(?:device[ _-]?)?id$|^devices?$/i

/**
 * The device ids in the first column of a CSV file; a header and further columns are passed over.
 * @throws problem invalid-request naming the line
 */
export function readDeviceIdsFromCsv(text: string): string[] {
  const ids = rowsOf(text)
    .map(([first = '']) => first)
    .filter((id, index) => id !== '' && !(index === 0 && HEADER.test(id)))
  if (ids.length === 0)
    throw problem('invalid-request', 'Expected a CSV file with a device id in each line, found none.')
  if (ids.length > COHORT_LIMITS.devicesOfCohort) {
    throw problem('invalid-request', `Expected at most ${COHORT_LIMITS.devicesOfCohort} devices, found ${ids.length}.`)
  }
  return ids
}

function rowsOf(text: string): string[][] {
  try {
    return parse(text, { bom: true, trim: true, relaxColumnCount: true, skipEmptyLines: true, maxRecordSize: 10_000 })
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause
    throw problem('invalid-request', `The file is not CSV: ${cause.message}.`, {}, { cause })
  }
}
