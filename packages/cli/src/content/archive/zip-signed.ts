import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isPackageSignature, PACKAGE_SIGNATURE, writePackageFiles } from '@hotpatch/protocol'
import { CommandError } from '../../errors/errors.ts'
import type { CliContext } from '../../process/context.ts'
import type { ContentFile } from '../content-kind.ts'
import { readUnchanged } from '../folder/read-unchanged.ts'
import { zipBundle, type UnpackedZip } from './zip-bundle.ts'

/** Code Push §5: with the signature that CodePush's clients look for, in the place of any that is there. */
export async function zipSigned(
  context: CliContext,
  files: readonly ContentFile[],
  { directory, sign }: { directory: string; sign: (list: string) => string },
): Promise<UnpackedZip> {
  const signed = files.filter(({ name }) => !isPackageSignature(name))
  const hashed = []
  for (const file of signed) hashed.push({ path: file.name, sha256: await digestOf(file) })
  const text = writePackageFiles(hashed)
  const signature = sign(text)
  const path = join(directory, 'codepushrelease')
  await writeFile(path, signature)
  const added = { name: PACKAGE_SIGNATURE, path, sizeBytes: Buffer.byteLength(signature) }
  const zip = await zipBundle(context, [...signed, added], join(directory, 'bundle.zip'))
  if (writePackageFiles(zip.unpacked) === text) return zip
  const detail = 'The bundle changed while it was signed. Run it again when nothing writes there.'
  throw new CommandError('bundle-changed', detail)
}

async function digestOf(file: ContentFile): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of readUnchanged(file)) hash.update(chunk)
  return hash.digest('hex')
}
