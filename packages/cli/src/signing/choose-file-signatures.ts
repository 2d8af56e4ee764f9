import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { App, SigningKey } from '@hotpatch/api'
import type { Platform } from '@hotpatch/protocol'
import { signatureScheme } from '@hotpatch/signatures'
import { Option, type Command } from 'commander'
import type { InstallerFile } from '../content/content-kind.ts'
import { CommandError, UsageError } from '../errors/errors.ts'
import { formatList } from '../output/text.ts'
import type { Session } from '../session/session.ts'
import { findMinisignKey, listWorkingKeys, MINISIGN, SPARKLE, type FileSignature } from './file-signatures.ts'
import { readMinisignFile } from './minisign-files.ts'
import { readSparkleSignature } from './sparkle-text.ts'

export interface FileSignatureOptions {
  /** What sign_update printed, once for each file. */
  sparkle?: string[]
  /** False after `--no-sig-files`. */
  sigFiles?: boolean
}

/** One of a file of the release for this platform. */
export type ChosenSignature = FileSignature & { platform: Platform; name: string; from: string }

/** One release of whole apps: its version, and what it is installed from. */
export interface SignedFiles {
  version: string
  files: readonly InstallerFile[]
}

interface Held {
  file: InstallerFile & { path: string }
  version: string
}

export function withFileSignatures(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--sparkle <signatures...>',
        'what sign_update printed of each file: \'sparkle:edSignature="…" length="…"\'',
      ),
    )
    .option('--no-sig-files', 'without the signatures of minisign or Tauri that lie beside the files, FILE.sig')
}

/**
 * What tools of others signed of files that lie here: beside them, or as it was given. All is verified with the keys that
 * the app takes, so that nothing is sent that the server would refuse.
 * @throws CommandError key-unregistered or signature-invalid, or UsageError
 */
export async function chooseFileSignatures(
  session: Session,
  app: App,
  releases: readonly SignedFiles[],
  { sparkle = [], sigFiles = true }: FileSignatureOptions,
): Promise<ChosenSignature[]> {
  const held = releases.flatMap(({ version, files }) =>
    files.flatMap((file): Held[] => ('path' in file ? [{ file, version }] : [])),
  )
  return [
    ...(sigFiles ? await chooseMinisign(session, app, held) : []),
    ...(sparkle.length > 0 ? await chooseSparkle(session, app, held, sparkle) : []),
  ]
}

async function chooseMinisign(session: Session, app: App, held: readonly Held[]): Promise<ChosenSignature[]> {
  const chosen: ChosenSignature[] = []
  let keys: readonly SigningKey[] | undefined
  for (const each of held) {
    const from = await findBeside(each.file.path)
    if (from === undefined) continue
    const signature = await readMinisignFile(from)
    if (!signature) {
      session.output.notice(`! ${from} is no signature of minisign: it is left out.`)
      continue
    }
    keys ??= await listWorkingKeys(session, app, MINISIGN)
    const key = findMinisignKey(session, app, keys, signature.keyId)
    const fault = await findFault(session, MINISIGN, key, signature.value, each)
    if (fault !== undefined) throw unfit(`${from}: ${fault}.`)
    chosen.push({ ...placeOf(each), scheme: MINISIGN, keyId: key.id, value: signature.value, from })
  }
  return chosen
}

async function chooseSparkle(
  session: Session,
  app: App,
  held: readonly Held[],
  texts: readonly string[],
): Promise<ChosenSignature[]> {
  const signatures = texts.map(readSparkleSignature)
  const keys = await listWorkingKeys(session, app, SPARKLE)
  if (keys.length === 0) {
    const add = `${session.context.programName} keys add --sparkle SUPublicEDKey --app ${app.slug}`
    throw new CommandError('key-unregistered', `${app.slug} knows no key of Sparkle. Add it: ${add}`)
  }
  const chosen: ChosenSignature[] = []
  for (const { value, sizeBytes } of signatures) {
    const candidates = await ofSize(held, sizeBytes)
    const fitting = await findFitting(session, { keys, value, candidates })
    if (!fitting) {
      const names = formatList(candidates.map(({ file }) => file.name))
      const expected = sizeBytes === undefined ? names : `a file of ${sizeBytes} bytes (${names || 'there is none'})`
      throw unfit(
        `--sparkle ${value.slice(0, 12)}…: expected one over ${expected} by a key of ${app.slug}, found none.`,
      )
    }
    chosen.push({ ...placeOf(fitting.held), scheme: SPARKLE, keyId: fitting.key.id, value, from: 'sign_update' })
  }
  return chosen
}

async function findFitting(
  session: Session,
  { keys, value, candidates }: { keys: readonly SigningKey[]; value: string; candidates: readonly Held[] },
) {
  for (const held of candidates) {
    for (const key of keys) {
      if ((await findFault(session, SPARKLE, key, value, held)) === undefined) return { held, key }
    }
  }
  return undefined
}

/** Of all, where nobody says how long the file is. */
async function ofSize(held: readonly Held[], sizeBytes: number | undefined): Promise<readonly Held[]> {
  if (held.length === 0) throw new UsageError('--sparkle is of files that lie here, and all of these lie elsewhere.')
  const sizes = await Promise.all(held.map(async ({ file }) => (await stat(file.path)).size))
  return held.filter((_, index) => sizeBytes === undefined || sizes[index] === sizeBytes)
}

async function findFault(
  { context }: Session,
  scheme: FileSignature['scheme'],
  { publicKey }: SigningKey,
  value: string,
  { file, version }: Held,
): Promise<string | undefined> {
  const bytes = createReadStream(file.path, { signal: context.signal })
  try {
    return await signatureScheme(scheme).findFault({ publicKey, value, version, bytes })
  } finally {
    bytes.destroy()
  }
}

async function findBeside(path: string): Promise<string | undefined> {
  for (const beside of [`${path}.sig`, `${path}.minisig`]) {
    if ((await stat(beside).catch(() => undefined))?.isFile()) return beside
  }
  return undefined
}

const placeOf = ({ file: { platform, name } }: Held) => ({ platform, name })

function unfit(what: string): CommandError {
  return new CommandError(
    'signature-invalid',
    `${what} Nothing was sent. Sign the file anew, or leave its signature out.`,
  )
}
