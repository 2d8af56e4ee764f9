import { Readable } from 'node:stream'
import { readDeviceIdsFromCsv } from '../../packages/server/src/rolling-out/cohorts/read-csv.ts'
import { writeCsv } from '../../packages/server/src/explaining/insights/csv.ts'
import { Broken, type Target } from '../engine/target.ts'
import { isReaderRefusal } from '../reading/refusals.ts'
import { textOf } from '../reading/texts.ts'

export const target: Target = {
  reads: 'lists of devices as CSV, and tables as they are written',
  maxBytes: 2_000,
  words: ['id', 'device_id', '\ufeff', '""', '\r\n', ';', '\t'],
  async read(input) {
    const text = textOf(input)
    const written = writeCsv({ columns: ['name'], rows: [[text]] }).slice('name\r\n'.length)
    // What a spreadsheet would run as a formula is none.
    if (/^"?[=+@\t-]/.test(written)) throw new Broken('a cell that is a formula')
    const ids = await readDeviceIdsFromCsv(Readable.from([Buffer.from(input)], { objectMode: false }))
    if (ids.length === 0 || ids.some((id) => typeof id !== 'string' || id === ''))
      throw new Broken('a device without an id')
  },
  refuses: isReaderRefusal,
}

export function seeds() {
  return ['device_id,name\na,1\nb,2\n', '\ufeffid;x\r\n"a ""b""";1\r\n', 'a\nb\n\nc', 'a\tb\n"un', '"a\nb",c', '=1+1,2']
}
