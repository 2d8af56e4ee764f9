import { createHash } from 'node:crypto'
import { chmod, mkdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { keyIdOf, type KitFile, type KitManifest, type Platform } from '@hotpatch/protocol'
import { digestOfFile } from '../content/digest-of-file.ts'
import { fetchArtifact } from '../download/fetch-artifact.ts'
import { CommandError, hasCode, systemReason } from '../errors/errors.ts'
import type { Session } from '../session/session.ts'
import type { VerifiedKit } from '../signing/verified-kit.ts'

/** For which machines a bundle is; absent: for all. */
export interface BundleMachine {
  platform?: Platform | undefined
  architecture?: string | undefined
}

export interface WrittenBundle {
  directory: string
  releaseId: string
  channel: string
  sequence: number
  /** Each once: several components may be the same bytes. */
  artifacts: number
  /** That were there already. */
  kept: number
  sizeBytes: number
}

const MANIFEST = 'latest.json'

/**
 * What a machine without a network needs, in a folder: the manifest comes last, so that what is there is whole.
 * @throws CommandError bundle-unwritable or artifact-unreadable
 */
export async function writeBundle(
  session: Session,
  { manifest, ...signed }: VerifiedKit,
  directory: string,
  { machine, manifestOnly }: { machine: BundleMachine; manifestOnly: boolean },
): Promise<WrittenBundle> {
  const files = manifestOnly ? [] : filesFor(manifest, machine)
  const artifacts = join(directory, 'artifacts')
  let kept = 0
  try {
    await mkdir(files.length > 0 ? artifacts : directory, { recursive: true })
    await rm(join(directory, MANIFEST), { force: true })
    for (const file of files) {
      if (await isThere(join(artifacts, file.sha256), file)) kept += 1
      else await bring(session, file, artifacts)
    }
    await writeSigned(directory, signed)
  } catch (cause) {
    if (!hasCode(cause, 'EACCES', 'ENOSPC', 'EROFS', 'ENOTDIR', 'EEXIST', 'EDQUOT', 'EPERM')) throw cause
    const message = `The bundle cannot be written to ${directory}: ${systemReason(cause)}.`
    throw new CommandError('bundle-unwritable', message, { cause })
  }
  const { releaseId, channel, sequence } = manifest
  const sizeBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0)
  return { directory, releaseId, channel, sequence, artifacts: files.length, kept, sizeBytes }
}

/**
 * Each digest once. Of a machine whatever it might take: one with its own file, or with one for any.
 * @throws CommandError kit-unfit when a component has nothing for it
 */
export function filesFor({ components }: KitManifest, { platform, architecture }: BundleMachine): KitFile[] {
  const fits = (file: KitFile) =>
    (platform === undefined || file.platform === 'any' || file.platform === platform) &&
    (architecture === undefined || file.architecture === 'any' || file.architecture === architecture)
  const chosen = new Map<string, KitFile>()
  for (const { id, files, isOptional } of components) {
    const fitting = files.filter(fits)
    if (files.length > 0 && fitting.length === 0 && !isOptional) {
      const has = files.map((file) => `${file.platform} ${file.architecture}`).join(', ')
      const machine = [platform, architecture].filter((part) => part !== undefined).join(' ')
      throw new CommandError('kit-unfit', `${id}: expected a file for ${machine}, found those for ${has}.`)
    }
    for (const file of fitting) chosen.set(file.sha256, file)
  }
  return [...chosen.values()]
}

async function isThere(path: string, { sha256, sizeBytes }: KitFile): Promise<boolean> {
  const stats = await stat(path).catch(() => undefined)
  return stats?.isFile() === true && stats.size === sizeBytes && (await digestOfFile(path)) === sha256
}

async function bring(session: Session, file: KitFile, artifacts: string): Promise<void> {
  const path = join(artifacts, file.sha256)
  const part = `${path}.part`
  const refusal = (detail: string, options?: ErrorOptions) => new CommandError('artifact-unreadable', detail, options)
  try {
    const { sizeBytes } = await fetchArtifact(session, file, part, refusal)
    if (sizeBytes !== file.sizeBytes) throw refusal(`Expected ${file.sizeBytes} bytes, found ${sizeBytes}.`)
    // Whoever carries it to another machine is not always who reads it there.
    await chmod(part, 0o644)
    await rename(part, path)
  } finally {
    await rm(part, { force: true })
  }
}

type Signed = Omit<VerifiedKit, 'manifest'>

async function writeSigned(directory: string, { bytes, signature, publicKey, minisig }: Signed): Promise<void> {
  const keyId = keyIdOf(createHash('sha256').update(Buffer.from(publicKey, 'base64')).digest('hex'))
  const signatures = [
    { scheme: 'ed25519', keyId, value: signature },
    ...(minisig === undefined ? [] : [{ scheme: 'minisign', value: Buffer.from(minisig).toString('base64') }]),
  ]
  const at = join(directory, MANIFEST)
  await writeFile(`${at}.sig`, JSON.stringify({ signatures }))
  if (minisig === undefined) await rm(`${at}.minisig`, { force: true })
  else await writeFile(`${at}.minisig`, minisig)
  await writeFile(`${at}.part`, bytes)
  await rename(`${at}.part`, at)
}
