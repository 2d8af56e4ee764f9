import { createHash } from 'node:crypto'
import { textFromUtf8 } from '@hotpatch/protocol'
import { readJournal } from '../../packages/kit/src/applying/journal.ts'
import { readRecord } from '../../packages/kit/src/applying/journal-record.ts'
import { readCheckRecord, writeCheckRecord } from '../../packages/kit/src/checking/check-record.ts'
import { readInstallerLink } from '../../packages/kit/src/checking/installer-link.ts'
import { editEnv } from '../../packages/kit/src/components/repair/edit-env.ts'
import { editJson } from '../../packages/kit/src/components/repair/edit-json.ts'
import { readKnownProcess } from '../../packages/kit/src/ground/process-facts.ts'
import { readInstallation } from '../../packages/kit/src/installation/read-installation.ts'
import { readPointer } from '../../packages/kit/src/launcher/launcher.ts'
import { readSignatureFile, readSignatureHeader } from '../../packages/kit/src/offers/offer-signatures.ts'
import { readOffer } from '../../packages/kit/src/offers/read-offer.ts'
import { readReports } from '../../packages/kit/src/reporting/kit-report.ts'
import { readScheduleInterval, readScheduleWindow } from '../../packages/kit/src/schedule/kit-schedule.ts'
import { Broken, type Target } from '../engine/target.ts'
import { forEachReader, jsonIn, readerFor, textOf } from '../reading/texts.ts'
import { vectorJson, vectorTexts } from '../reading/vector-texts.ts'

const crypto = {
  sha256: () => {
    const hash = createHash('sha256')
    return { update: (bytes: Uint8Array) => void hash.update(bytes), digest: () => new Uint8Array(hash.digest()) }
  },
}

const READERS: readonly ((bytes: Uint8Array) => unknown)[] = [
  (bytes) => readInstallation(textOf(bytes)),
  (bytes) => readJournal(crypto, bytes, 'transaction'),
  (bytes) => readRecord(textOf(bytes)),
  (bytes) => {
    const record = readCheckRecord(textOf(bytes), 'app')
    const again = readCheckRecord(writeCheckRecord(textOf(bytes), 'app', record), 'app')
    if (JSON.stringify(again) !== JSON.stringify(record))
      throw new Broken('a record of checks that is not read as it was written')
  },
  (bytes) => readInstallerLink(textOf(bytes)),
  (bytes) => {
    const edited = editEnv(textOf(bytes), { NAME: 'new value' })
    if (editEnv(edited, { NAME: 'new value' }) !== edited) throw new Broken('settings that change each time')
  },
  (bytes) => {
    const edited = editJson(textOf(bytes), { 'server.port': '8080' })
    if (editJson(edited, { 'server.port': '8080' }) !== edited) throw new Broken('settings that change each time')
  },
  (bytes) => readKnownProcess(textOf(bytes)),
  (bytes) => readPointer(textOf(bytes)),
  (bytes) => readSignatureHeader(textOf(bytes)),
  (bytes) => readSignatureFile(textOf(bytes)),
  (bytes) => {
    const read = readOffer(bytes)
    if (read.kind === 'read' && read.manifestText !== textFromUtf8(bytes))
      throw new Broken('another text than was signed')
  },
  (bytes) => readReports(jsonIn(bytes)),
  (bytes) => readScheduleInterval(textOf(bytes)),
  (bytes) => readScheduleWindow(textOf(bytes)),
]

/** Readers of options say by a TypeError what they expect, and by nothing of the engine's. */
const isOfOptions = (error: unknown) => error instanceof TypeError && error.message.startsWith('Expected ')

export const target: Target = {
  reads: 'kit.json, journals, offers, records and settings of kits',
  maxBytes: 3_000,
  read(input) {
    const [read, bytes] = readerFor(READERS, input)
    return read(bytes)
  },
  refuses: (error) =>
    isOfOptions(error) ||
    (error instanceof Error &&
      ['UnexpectedJsonError', 'KitError', 'InstallationError', 'SettingsError'].includes(error.name)),
}

export function seeds() {
  const texts = [
    ...vectorJson('kit/*.json', [
      'text',
      'manifest',
      'installed',
      'record',
      'records',
      'journal',
      'lines',
      'header',
      'signatures',
      'json',
      'kit',
    ]),
    ...vectorTexts('kit/{offers,journal,checks}.json', ['header', 'text', 'file', 'line', 'journal']),
    '{"schema_version":1,"kit":"demo","url":"https://updates.example.com","channel":"production","publicKeys":["a"],"components":{"web":{"kind":"folder","path":"web"}}}',
    'ed25519;keyid="a";sig="YQ==", minisign;sig="YQ=="',
    'A=1\nNAME="old"\nexport B=\'x y\'\n',
    '{"server":{"port":"80"} // why\n}',
    '{"pid":1,"boot":"a"}',
    '{"schema_version":1,"current":{"version":"1.0.0","sha256":"aa"},"failed":[]}',
    '6h',
    '02:00-05:00',
    'example-installer://update',
  ].filter((text) => text.length < 3_000)
  return forEachReader(READERS.length, texts.slice(0, 80))
}
