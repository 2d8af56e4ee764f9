import { createHash } from 'node:crypto'
import { mkdir, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { NewEmbeddedUpdate } from '@hotpatch/api'
import { readBinary, readEmbeddedUpdate, type ReadEmbeddedFiles, type ReadExpoUpdate } from '@hotpatch/binary-files'
import { Problem } from '@hotpatch/protocol'
import { given } from '../arguments/given.ts'
import { unpackZip } from '../content/archive/unpack-zip.ts'
import { zipBundle, type UnpackedZip } from '../content/archive/zip-bundle.ts'
import type { ContentFile, ContentUpload } from '../content/content-kind.ts'
import { listBundleFiles } from '../content/folder/bundle-files.ts'
import { withoutSourceMaps } from '../content/folder/source-maps.ts'
import { CommandError, systemReason, UsageError } from '../errors/errors.ts'
import { formatBytes, formatCount } from '../output/text.ts'
import type { CliContext } from '../process/context.ts'

/** What a binary shipped with, as the server is to know it. */
export interface Shipped {
  update: NewEmbeddedUpdate
  upload: ContentUpload
  /** For people. */
  described: string
}

export interface ShippedWish {
  path: string
  platform?: 'android' | 'ios' | undefined
  runtimeVersion?: string | undefined
  nativeVersion?: string | undefined
  /** A temporary folder of its own, which the caller removes. */
  within: string
}

/**
 * Of a binary as it was built, or of the folder or zip of the files that it shipped with.
 * @throws CommandError when nothing in it is known, or UsageError when it is not said what only people know
 */
export async function readShipped(context: CliContext, wish: ShippedWish): Promise<Shipped> {
  const { path, within } = wish
  const found = await stat(path).catch((cause: unknown) => {
    throw new CommandError('file-unreadable', `${path} cannot be read: ${systemReason(cause)}.`, { cause })
  })
  if (found.isDirectory()) return archiveOf(wish, await zipFiles(context, await listBundleFiles(path), within))
  if (path.endsWith('.zip')) return archiveOf(wish, (await unpackZip(context, path, within)).zip)
  const { binary, nativeVersion } = await readFile(path)
  if (binary.kind === 'expo') return expoOf(wish, binary)
  const files = await unpackFiles(binary, join(within, 'shipped'))
  const ofBinary = { ...wish, platform: binary.platform, nativeVersion: wish.nativeVersion ?? nativeVersion }
  return archiveOf(ofBinary, await zipFiles(context, files, within))
}

async function readFile(path: string) {
  try {
    const binary = await readEmbeddedUpdate(path, basename(path))
    return { binary, nativeVersion: binary.kind === 'archive' ? await nativeVersionOf(path) : undefined }
  } catch (cause) {
    if (cause instanceof Problem) throw new CommandError(cause.type, cause.message, { cause })
    throw new CommandError('file-unreadable', `${path} cannot be read: ${systemReason(cause)}.`, { cause })
  }
}

/** As binaries are counted everywhere here, such as 1.4.0+7. */
async function nativeVersionOf(path: string): Promise<string | undefined> {
  const { application } = await readBinary(path, basename(path))
  if (!application) return undefined
  const { version, versionCode, build = versionCode } = application
  return build === undefined ? version : `${version}+${build}`
}

async function expoOf({ within, ...wish }: ShippedWish, binary: ReadExpoUpdate): Promise<Shipped> {
  const { launch, builtAt, id, platform } = binary
  const sha256 = createHash('sha256').update(launch).digest('hex')
  const bundle = join(within, 'launch')
  await writeFile(bundle, launch, { mode: 0o600 })
  const contentType = 'application/octet-stream'
  const bytes = { sha256, sizeBytes: launch.length }
  const runtimeVersion = wish.runtimeVersion ?? binary.runtimeVersion
  const update: NewEmbeddedUpdate = {
    platform,
    id,
    builtAt: new Date(builtAt).toISOString(),
    ...given({ runtimeVersion, nativeVersion: wish.nativeVersion }),
    ...bytes,
  }
  const version = runtimeVersion ?? 'of which the file says nothing (--runtime-version)'
  const described = `the update ${id}, built ${update.builtAt}, runtime version ${version}, bundle of ${formatBytes(launch.length)}`
  return { update, upload: { kind: 'asset', path: bundle, ...bytes, contentType }, described }
}

function archiveOf({ platform, runtimeVersion, nativeVersion, path }: ShippedWish, zip: UnpackedZip): Shipped {
  if (platform === undefined) {
    throw new UsageError(`Say which binaries shipped with ${path}: --platform android, or --platform ios.`)
  }
  const { sha256, sizeBytes, unpacked } = zip
  const told = given({ runtimeVersion, nativeVersion })
  const version = nativeVersion ?? 'a native version of which nothing is said (--native-version)'
  return {
    update: { kind: 'archive', platform, ...told, sha256, sizeBytes },
    upload: { kind: 'archive', path: zip.path, sha256, sizeBytes, contentType: 'application/zip' },
    described: `${formatCount(unpacked.length, 'file')} of ${version}, zipped ${formatBytes(sizeBytes)}`,
  }
}

function zipFiles(context: CliContext, files: readonly ContentFile[], within: string): Promise<UnpackedZip> {
  return zipBundle(context, withoutSourceMaps(files).files, join(within, 'shipped.zip'))
}

/** They were looked at when they were read: none leads out of the folder. */
async function unpackFiles({ files }: ReadEmbeddedFiles, directory: string): Promise<ContentFile[]> {
  const written: ContentFile[] = []
  for (const { path: name, bytes } of files) {
    const path = join(directory, name)
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    await writeFile(path, bytes, { mode: 0o600 })
    written.push({ name, path, sizeBytes: bytes.length })
  }
  return written
}
