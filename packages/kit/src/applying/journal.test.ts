import { createNodeSha256 } from '@hotpatch/device-ground/node'
import { utf8FromText } from '@hotpatch/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import journals from '../../../../vectors/kit/journal.json' with { type: 'json' }
import states from '../../../../vectors/kit/states.json' with { type: 'json' }
import { KitError } from '../ground/kit-error.ts'
import { createLossyDisk } from '../testing/lossy-disk.ts'
import { MAX_JOURNAL_BYTES, openJournal, readJournal } from './journal.ts'
import { KIT_HAPPENINGS, KIT_STATES, KIT_TRANSITIONS, recoveryOf } from './kit-states.ts'
import { progressOf } from './progress.ts'

const crypto = { sha256: createNodeSha256 }
const TRANSACTION = journals.transaction

async function read(bytes: Uint8Array) {
  const { records, keptBytes } = await readJournal(crypto, bytes, TRANSACTION)
  const { state, why, failedTries, begunTries, steps } = progressOf(records)
  return {
    records: records.length,
    keptBytes,
    state,
    recovery: recoveryOf(state),
    why: why?.code,
    failedTries,
    begunTries,
    steps: Object.fromEntries(steps),
  }
}

describe('vectors', () => {
  test('every transition is in the table', () => {
    const rows = KIT_STATES.flatMap((from) =>
      KIT_HAPPENINGS.map((happening) => ({ from, happening, to: KIT_TRANSITIONS[from][happening] })),
    )
    expect(rows).toEqual(states.transitions)
  })

  test('every state has its recovery', () => {
    expect(KIT_STATES.map((state) => ({ state, recovery: recoveryOf(state) }))).toEqual(states.recoveries)
  })

  test.each(journals.cases)('$comment', async ({ text, expected }) => {
    const bytes = utf8FromText(text)
    if (expected === 'journal-damaged') await expect(read(bytes)).rejects.toMatchObject({ code: expected })
    else expect(JSON.parse(JSON.stringify(await read(bytes)))).toEqual(expected)
  })
})

const whole = utf8FromText(journals.cases[0]?.text ?? '')

describe('whatever happens to its bytes', () => {
  test('a journal that was cut short is one of fewer records', async () => {
    for (let length = 0; length < whole.length; length += 1) {
      const { records, keptBytes } = await readJournal(crypto, whole.subarray(0, length), TRANSACTION)
      expect(keptBytes).toBeLessThanOrEqual(length)
      expect(records.length).toBe(whole.subarray(0, length).filter((byte) => byte === 0x0a).length)
    }
  })

  test('a byte that is another one is damage, or takes the last record with it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), async (at, by) => {
        const bytes = whole.slice()
        bytes[at] = (bytes[at] ?? 0) ^ by
        const last = whole.lastIndexOf(0x0a, whole.length - 2)
        const found = await readJournal(crypto, bytes, TRANSACTION).catch((error: unknown) => error)
        if (found instanceof KitError) expect(found.code).toBe('journal-damaged')
        else expect(at).toBeGreaterThan(last)
      }),
      { numRuns: 400 },
    )
  })

  test('anything else is damage, or an empty journal', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 2_000 }), async (bytes) => {
        const found = await readJournal(crypto, bytes, TRANSACTION).catch((error: unknown) => error)
        if (found instanceof KitError) expect(found.code).toBe('journal-damaged')
        else expect(found).toMatchObject({ records: [], keptBytes: 0 })
      }),
      { numRuns: 300 },
    )
  })

  test('one of somebody else is damage', async () => {
    await expect(readJournal(crypto, whole, 'another')).rejects.toMatchObject({ code: 'journal-damaged' })
  })

  test('one that is too long is not read', async () => {
    const disk = createLossyDisk()
    await disk.write('journal', new Uint8Array(MAX_JOURNAL_BYTES + 1))
    await expect(openJournal({ disk, crypto }, 'journal', TRANSACTION)).rejects.toMatchObject({
      code: 'journal-damaged',
    })
  })
})

describe('appending', () => {
  const record = { kind: 'component', at: 1, component: 'web', step: 'applying' } as const

  test('goes on behind a torn record, and reads the same again', async () => {
    const disk = createLossyDisk()
    await disk.write('journal', whole.subarray(0, whole.length - 5))
    const journal = await openJournal({ disk, crypto }, 'journal', TRANSACTION)
    const before = journal.records().length
    await journal.append(record)
    const again = await openJournal({ disk, crypto }, 'journal', TRANSACTION)
    expect(again.records()).toEqual(journal.records())
    expect(again.records()).toHaveLength(before + 1)
  })

  test('is durable when it resolves', async () => {
    const disk = createLossyDisk()
    const journal = await openJournal({ disk, crypto }, 'journal', TRANSACTION)
    for (const at of [1, 2, 3]) await journal.append({ ...record, at })
    const left = await openJournal({ disk: disk.cutPower('worst'), crypto }, 'journal', TRANSACTION)
    expect(left.records()).toEqual(journal.records())
  })

  test('ends at a bound', async () => {
    const disk = createLossyDisk()
    const journal = await openJournal({ disk, crypto }, 'journal', TRANSACTION)
    const why = { code: 'stopped', message: 'x'.repeat(5_000) } as const
    await expect(
      (async () => {
        for (let at = 0; at < 10_000; at += 1) await journal.append({ kind: 'try-failed', at, why })
      })(),
    ).rejects.toMatchObject({ code: 'storage-full' })
    expect((await disk.stat('journal'))?.sizeBytes).toBeLessThanOrEqual(MAX_JOURNAL_BYTES)
  })
})
