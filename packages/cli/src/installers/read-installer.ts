import { stat } from 'node:fs/promises'
import type { Application } from '@hotpatch/api'
import { readBinary } from '@hotpatch/binary-files'
import { parseNativeVersion, Problem } from '@hotpatch/protocol'
import { CommandError } from '../errors/errors.ts'

/**
 * What a file says of the app in it; undefined of those that say nothing.
 * @throws CommandError bundle-invalid when it is not what its name says
 */
export async function readInstaller(path: string, name: string): Promise<Application | undefined> {
  // That a file is missing or empty is told with everything else that is wrong.
  const found = await stat(path).catch(() => undefined)
  if (!found?.isFile() || found.size === 0) return undefined
  try {
    return (await readBinary(path, name)).application
  } catch (cause) {
    if (!(cause instanceof Problem)) throw cause
    throw new CommandError('bundle-invalid', `${path} is not what its name says. ${cause.message}`, { cause })
  }
}

/** As devices tell it: with what orders two files of one version, where the file has that. */
export function versionOf({ version, versionCode, build }: Application): string {
  const own = versionCode ?? build
  const whole = own === undefined || version.includes('+') ? version : `${version}+${own}`
  return parseNativeVersion(whole) ? whole : version
}
