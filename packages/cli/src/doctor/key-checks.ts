import { stat } from 'node:fs/promises'
import type { App, ManagementClient } from '@hotpatch/api'
import type { CliContext } from '../process/context.ts'
import { describeError } from '../errors/describe-error.ts'
import { findOwnKey, isRegistered } from '../signing/choose-key.ts'
import { keyPath, type SigningKeyPair } from '../signing/signing-key.ts'
import { failed, passed, warned, type Check } from './check.ts'

export async function checkKey(
  context: CliContext,
  server: { api: ManagementClient; app: App } | undefined,
): Promise<Check[]> {
  const path = keyPath(context, undefined)
  let key: SigningKeyPair | undefined
  try {
    key = await findOwnKey(context, undefined)
  } catch (error) {
    return [failed('key', describeError(error, context.programName).message)]
  }
  if (!key) {
    const message = `There is no signing key at ${path}: releases are not signed.`
    return [warned('key', message, `${context.programName} keys generate`)]
  }
  const isFile = key.path === path
  const checks = [passed('key', `${key.fingerprint} (${key.path}).`), ...(isFile ? [await checkMode(path)] : [])]
  return server ? [...checks, await checkRegistration(context, server, key)] : checks
}

/** Windows keeps no such modes. */
async function checkMode(path: string): Promise<Check> {
  const mode = (await stat(path)).mode & 0o777
  const octal = mode.toString(8).padStart(4, '0')
  if ((mode & 0o077) === 0 || process.platform === 'win32')
    return passed('key-mode', `Mode ${octal}: only you can read it.`)
  return failed('key-mode', `${path} has mode ${octal}: others can read your signing key.`, `chmod 600 ${path}`)
}

async function checkRegistration(
  { programName }: CliContext,
  { api, app }: { api: ManagementClient; app: App },
  { publicKey, fingerprint }: SigningKeyPair,
): Promise<Check> {
  const id = 'key-registered'
  const { items: keys } = await api.listKeys(app.id)
  if (isRegistered(keys, publicKey)) return passed(id, `${app.slug} takes releases signed by ${fingerprint}.`)
  const add = `${programName} keys add --app ${app.slug}`
  if (keys.length > 0) return failed(id, `${app.slug} does not take releases signed by ${fingerprint}.`, add)
  return warned(id, `${app.slug} has no signing key yet; your first signed release registers yours.`, add)
}
