import { textFromUtf8, utf8FromText } from '@hotpatch/protocol'
import type { ComponentAdapter, ComponentWork } from '../components/component-adapter.ts'
import { makeDurableDirectory, removeDurably, writeAtomically } from '../ground/durable-files.ts'
import { KitError } from '../ground/kit-error.ts'
import {
  artifactPathOf,
  CURRENT_FILE,
  KIT_FOLDER,
  TRANSACTIONS_FOLDER,
  transactionPathOf,
  workPathOf,
} from '../ground/kit-layout.ts'
import type { KitStep } from '../planning/kit-plan.ts'
import type { ApplyContext } from './apply-context.ts'
import { isFullDisk } from '../ground/full-disk.ts'
import { openJournal, type Journal } from './journal.ts'
import type { JournalRecord, StepOfComponent, Why } from './journal-record.ts'
import { KIT_TRANSITIONS, type KitHappening } from './kit-states.ts'
import { reportsOf } from './kit-report.ts'
import { progressOf, type Progress } from './progress.ts'
import { loadPlan, storePlan, type StoredPlan } from './stored-plan.ts'

/** Room for the records and the small files that a way back needs on a disk that is full (Kits §8.5). */
const RESERVED_BYTES = 64 * 1024

const TRANSACTION_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** One apply from its plan to its end, over as many starts as it takes. */
export interface Transaction {
  id: string
  stored: StoredPlan
  progress(): Progress
  /** Before whatever a record announces; told as soon as it is durable. */
  note(record: NewRecord): Promise<void>
  /** The same on the way back, which goes on though the disk is full: what the disk says meanwhile leads back as well. */
  noteIfThereIsRoom(record: NewRecord): Promise<void>
  /** The next state, by the table. */
  move(by: KitHappening, details?: { why?: Why; unwell?: readonly string[] }): Promise<void>
  moveIfThereIsRoom(by: KitHappening, details?: { why?: Why; unwell?: readonly string[] }): Promise<void>
  isLost(): boolean
  hasDone(component: string, step: StepOfComponent): boolean
  countOf(component: string, step: StepOfComponent): number
  whyOf(component: string, step: StepOfComponent): Why | undefined
  /** Of components that come after the commit. */
  failures(): readonly Why[]
  /** @throws KitError installation-invalid */
  workOf(step: KitStep): { adapter: ComponentAdapter; work: ComponentWork }
  /** Tells again what may not have been told. */
  tell(): Promise<void>
  releaseReserve(): Promise<void>
  /** It has come to its end: nothing of it stays. */
  close(): Promise<void>
}

type WithoutTime<T> = T extends { at: number } ? Omit<T, 'at'> : never
export type NewRecord = WithoutTime<JournalRecord>

/** Durable before anything happens; `current` comes last, so whatever it names is whole. */
export async function beginTransaction(context: ApplyContext, stored: StoredPlan): Promise<Transaction> {
  const { disk, crypto, clock } = context.ports
  const id = crypto.randomUuid()
  const folder = transactionPathOf(id)
  await makeDurableDirectory(disk, `${folder}/work`)
  await disk.write(`${folder}/reserve`, incompressibleBytes(RESERVED_BYTES))
  const planSha256 = await storePlan(context.ports, `${folder}/plan.json`, stored)
  const journal = await openJournal(context.ports, `${folder}/journal.ndjson`, id)
  const { releaseId, sequence } = stored.plan.manifest
  await journal.append({ kind: 'planned', at: clock.now(), releaseId, sequence, planSha256 })
  await writeAtomically(disk, CURRENT_FILE, utf8FromText(id))
  const transaction = createTransaction(context, { id, stored, journal })
  await transaction.tell()
  return transaction
}

/** @throws KitError journal-damaged */
export async function findOpenTransaction(context: ApplyContext): Promise<Transaction | undefined> {
  const found = await readOpenJournal(context)
  if (!found) return undefined
  const { id, journal, progress } = found
  const stored = await loadPlan(context.ports, `${transactionPathOf(id)}/plan.json`, progress.planSha256)
  return createTransaction(context, { id, stored, journal })
}

/** @throws KitError journal-damaged */
export async function readOpenJournal({
  ports,
}: {
  ports: Pick<ApplyContext['ports'], 'disk' | 'crypto'>
}): Promise<{ id: string; journal: Journal; progress: Progress } | undefined> {
  const { disk } = ports
  const stat = await disk.stat(CURRENT_FILE)
  if (!stat) return undefined
  const id =
    stat.kind === 'file' && stat.sizeBytes < 100
      ? textFromUtf8((await disk.read(CURRENT_FILE)) ?? new Uint8Array())
      : ''
  if (id === undefined || !TRANSACTION_ID.test(id)) {
    throw new KitError(
      'journal-damaged',
      `Expected the id of the open apply in ${CURRENT_FILE}, found something else. Nothing is done, because it is not ` +
        `known what that apply has changed: put each component right by hand, then remove ${CURRENT_FILE}.`,
    )
  }
  const journal = await openJournal(ports, `${transactionPathOf(id)}/journal.ndjson`, id)
  return { id, journal, progress: progressOf(journal.records()) }
}

/** What a power cut has left of applies that have not begun, or that have come to their end. */
export async function sweepRests({ ports }: ApplyContext): Promise<void> {
  const { disk } = ports
  const current = (await disk.stat(CURRENT_FILE)) && textFromUtf8((await disk.read(CURRENT_FILE)) ?? new Uint8Array())
  for (const name of (await disk.list(TRANSACTIONS_FOLDER)) ?? []) {
    if (name !== current) await removeDurably(disk, `${TRANSACTIONS_FOLDER}/${name}`)
  }
  for (const rest of [`${CURRENT_FILE}.new`, `${KIT_FOLDER}/link.new`]) await removeDurably(disk, rest)
}

function createTransaction(
  context: ApplyContext,
  { id, stored, journal }: { id: string; stored: StoredPlan; journal: Journal },
): Transaction {
  const { installation, adapters, ports } = context
  const { disk, clock } = ports
  const folder = transactionPathOf(id)
  /** With those that a full disk had no room for. */
  const records: JournalRecord[] = [...journal.records()]
  /** The latter alone: they are written before anything later, because one record follows from another. */
  let unwritten: JournalRecord[] = []
  let told = 0
  let progress = progressOf(records)

  async function write(record: JournalRecord): Promise<void> {
    for (let earlier = unwritten[0]; earlier; earlier = unwritten[0]) {
      await journal.append(earlier)
      unwritten = unwritten.slice(1)
    }
    await journal.append(record)
  }

  async function remember(record: JournalRecord): Promise<void> {
    records.push(record)
    progress = progressOf(records)
    await transaction.tell()
  }

  const nextState = (by: KitHappening) => KIT_TRANSITIONS[progress.state][by]

  const transaction: Transaction = {
    id,
    stored,
    progress: () => progress,
    isLost: journal.isLost,
    async note(record) {
      const written: JournalRecord = { ...record, at: clock.now() }
      await write(written)
      await remember(written)
    },
    async noteIfThereIsRoom(record) {
      const written: JournalRecord = { ...record, at: clock.now() }
      await write(written).catch((error: unknown) => {
        if (journal.isLost() || !isFullDisk(error)) throw error
        unwritten.push(written)
      })
      await remember(written)
    },
    move: (by, details) => transaction.note({ kind: 'state', state: nextState(by), by, ...details }),
    moveIfThereIsRoom: (by, details) =>
      transaction.noteIfThereIsRoom({ kind: 'state', state: nextState(by), by, ...details }),
    hasDone: (component, step) => progress.steps.get(component)?.includes(step) ?? false,
    countOf: (component, step) => progress.steps.get(component)?.filter((each) => each === step).length ?? 0,
    whyOf(component, step) {
      const found = records.find(
        (record) => record.kind === 'component' && record.component === component && record.step === step,
      )
      return found?.kind === 'component' ? found.why : undefined
    },
    failures: () =>
      records.flatMap((record) =>
        record.kind === 'component' && record.step === 'failed' && record.why ? [record.why] : [],
      ),
    workOf(step) {
      const { component, file } = step
      const adapter = adapters.get(component.kind)
      const place = installation.components[component.id]
      if (!adapter || !place) throw notInstalled(step, adapter !== undefined)
      if (place.path !== stored.places[component.id]) throw placeHasMoved(step, stored.places[component.id], place.path)
      const artifactPath = file && artifactPathOf(file.sha256)
      return {
        adapter,
        work: { step, place, installation, artifactPath, workPath: workPathOf(id, component.id), ports },
      }
    },
    async tell() {
      const reports = reportsOf(id, stored.plan, records)
      for (; told < reports.length; told += 1) {
        // Nothing fails because of a report.
        await context.tell(reports[told] as (typeof reports)[number]).catch(() => undefined)
      }
    },
    releaseReserve: () => removeDurably(disk, `${folder}/reserve`),
    async close() {
      await removeDurably(disk, CURRENT_FILE)
      await removeDurably(disk, folder)
    },
  }
  return transaction
}

export function notInstalled({ component }: KitStep, isKnown: boolean): KitError {
  const message = isKnown
    ? `Expected a place of the component ${component.id} in kit.json, found none: name where it lies.`
    : `Expected a component of a kind that this coordinator knows, found ${component.kind} (${component.id}): update it first.`
  return new KitError('installation-invalid', message, { component: component.id })
}

function placeHasMoved({ component }: KitStep, expected: string | undefined, found: string): KitError {
  return new KitError(
    'installation-invalid',
    `Expected the component ${component.id} at ${expected ?? 'no place'}, where it lay when the open apply began, found ` +
      `${found} in kit.json: put the old place back until that apply has come to its end.`,
    { component: component.id },
  )
}

/** Some disks store nothing for what compresses well. */
function incompressibleBytes(length: number): Uint8Array {
  let state = 0x9e3779b9
  return Uint8Array.from({ length }, () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state & 0xff
  })
}
