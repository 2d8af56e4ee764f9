import { basename } from 'node:path'
import type { App, Release } from '@hotpatch/api'
import { CommandError, UsageError } from '../errors/errors.ts'
import { formatList } from '../output/text.ts'
import type { Session } from '../session/session.ts'
import { findMinisignKey, listWorkingKeys, MINISIGN, SPARKLE, type SubjectSignature } from './file-signatures.ts'
import { readMinisignFile } from './minisign-files.ts'
import { readSparkleSignature } from './sparkle-text.ts'

const ENDING = /\.(?:sig|minisig)$/

export interface NamedRelease {
  app: App
  release: Release
}

/**
 * Each `.sig`, for the file of the release that has its name.
 * @throws CommandError signature-unreadable, key-unregistered or file-unknown
 */
export async function nameMinisign(
  session: Session,
  { app, release }: NamedRelease,
  paths: readonly string[],
): Promise<SubjectSignature[]> {
  const keys = await listWorkingKeys(session, app, MINISIGN)
  return Promise.all(
    paths.map(async (path) => {
      const signature = await readMinisignFile(path)
      if (!signature) {
        const expected = 'what minisign or Tauri writes into a .sig'
        throw new CommandError('signature-unreadable', `Expected ${expected} in ${path}, found something else.`)
      }
      const { value, keyId } = signature
      const name = basename(path).replace(ENDING, '')
      const subject = subjectOf(release, `a signature of ${name}`, (file) => file.name === name)
      return { scheme: MINISIGN, keyId: findMinisignKey(session, app, keys, keyId).id, value, subject }
    }),
  )
}

/**
 * What sign_update printed, for the file of the release that has that length. With which key it was signed it does not say.
 * @throws CommandError key-unregistered or file-unknown, or UsageError
 */
export async function nameSparkle(
  session: Session,
  { app, release }: NamedRelease,
  texts: readonly string[],
): Promise<SubjectSignature[]> {
  const [key, another] = await listWorkingKeys(session, app, SPARKLE)
  if (!key || another) {
    const found = key ? 'several: revoke those that your app was not built with' : 'none'
    throw new CommandError('key-unregistered', `Expected one key of Sparkle of ${app.slug}, found ${found}.`)
  }
  return texts.map(readSparkleSignature).map(({ value, sizeBytes }) => {
    const what = sizeBytes === undefined ? 'the only file' : `a file of ${sizeBytes} bytes`
    const subject = subjectOf(release, what, (file) => sizeBytes === undefined || file.sizeBytes === sizeBytes)
    return { scheme: SPARKLE, keyId: key.id, value, subject }
  })
}

interface NamedFile {
  name: string
  sha256: string
  sizeBytes: number
}

function subjectOf({ content, version, platform }: Release, what: string, isMeant: (file: NamedFile) => boolean) {
  if (content.kind !== 'binary') {
    throw new UsageError(`${version} for ${platform} is no whole app: what signs bundles is --rsa-key.`)
  }
  const [file, another] = content.files.filter(isMeant)
  if (file && !another) return file.sha256
  const names = formatList(content.files.map(({ name, sizeBytes }) => `${name} of ${sizeBytes} bytes`))
  const found = file ? 'several' : 'none'
  const message = `Expected ${what} among those of ${version} for ${platform}, found ${found}. It has ${names}.`
  throw new CommandError('file-unknown', message)
}
