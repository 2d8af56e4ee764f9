import { readFilesManifest } from '@hotpatch/protocol'
import { readStoredState, readInstalledRelease } from '../../packages/client/src/state/stored-state.ts'
import { readReleaseFiles } from '../../packages/client/src/state/release-tree.ts'
import { readReports } from '../../packages/client/src/ground/report.ts'
import { decideBundle } from '../../packages/capacitor/src/decision/decide-bundle.ts'
import { readCheckAnswer } from '../../packages/app-updates/src/contract/read-answer.ts'
import { safeFileName } from '../../packages/app-updates/src/contract/formats.ts'
import { Broken, type Target } from '../engine/target.ts'
import { forEachReader, jsonIn, readerFor } from '../reading/texts.ts'
import { vectorJson } from '../reading/vector-texts.ts'

const SITUATION = {
  serverUrl: 'https://updates.example.com',
  currentVersion: '1.0.0',
  nativeVersion: '1.0.0',
  broken: [],
}

const READERS: readonly ((json: unknown) => unknown)[] = [
  readStoredState,
  readInstalledRelease,
  readReleaseFiles,
  (json) => readReports(json, ''),
  (json) => {
    const decision = decideBundle(json, SITUATION)
    if (decision.kind === 'download' && !decision.manifest.url.startsWith('https://'))
      throw new Broken('an address without encryption')
  },
  (json) => {
    const outcome = readCheckAnswer(json, { installedVersion: '1.0.0', platform: 'android', formats: ['apk'] })
    if (outcome.kind === 'update' && /[/\\]|^\./.test(outcome.update.fileName)) throw new Broken('a name with a path')
  },
  (json) => {
    const name = typeof json === 'string' ? json : ''
    if (/[/\\:]|^\.|\.\.$/.test(safeFileName(name, '1.0.0', 'apk'))) throw new Broken('a name with a path')
  },
  (json) => readFilesManifest(JSON.stringify(json) ?? ''),
]

export const target: Target = {
  reads: 'what devices have stored, and what servers answer them',
  maxBytes: 3_000,
  read(input) {
    const [read, bytes] = readerFor(READERS, input)
    const json = jsonIn(bytes)
    return json === undefined ? undefined : read(json)
  },
  refuses: (error) =>
    error instanceof Error && ['UnexpectedJsonError', 'AppUpdateError', 'UpdateError'].includes(error.name),
}

export function seeds() {
  const texts = [
    ...vectorJson('engine/{state-files,states}.json', ['state', 'json', 'text', 'file', 'content', 'contents']),
    ...vectorJson('{web-bundle,app-versions-wire,app-versions}.json', ['manifest', 'answer', 'body', 'json']),
    '{"version":"1.1.0","minNativeVersion":"1.0.0","url":"/web-bundle/a.zip","sha256":"00","checksum":"aa","sizeBytes":3}',
    '{"update_available":true,"latest_version":"1.1.0","download_url":"https://a/b.apk","sha256":"00","size":1}',
    '[{"kind":"applied","releaseId":"a","at":1}]',
    '"app-1.0.apk"',
  ].filter((text) => text.length < 3_000)
  return forEachReader(READERS.length, texts.slice(0, 80))
}
