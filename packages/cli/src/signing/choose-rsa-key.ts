import { resolve } from 'node:path'
import type { App } from '@hotpatch/api'
import type { Command } from 'commander'
import { withGroup } from '../arguments/shared-options.ts'
import { CommandError } from '../errors/errors.ts'
import type { Session } from '../session/session.ts'
import { readRsaKey, type RsaKey } from './rsa-key.ts'

export interface RsaKeyOptions {
  rsaKey?: string
}

/** With the id that the app knows it by. */
export interface RegisteredRsaKey extends RsaKey {
  keyId: string
}

export function withRsaKey(command: Command): Command {
  return withGroup(command, "For the plugins' own protocols:", (grouped) =>
    grouped.option(
      '--rsa-key <file>',
      "signs it for Capawesome's plugin, or hot-updater; rsaKey of hotpatch.json when absent",
    ),
  )
}

/**
 * The key that was named, else that of the project file. Only one that the app takes: the server verifies what it signs.
 * @throws CommandError key-missing, key-unreadable or key-unregistered
 */
export async function chooseRsaKey(
  { api, project, context }: Session,
  app: App,
  { rsaKey }: RsaKeyOptions,
): Promise<RegisteredRsaKey | undefined> {
  const path = rsaKey === undefined ? projectKey(project) : resolve(context.cwd, rsaKey)
  if (path === undefined) return undefined
  const key = await readRsaKey(path)
  const { items } = await api.listKeys(app.id, 'rsa')
  const registered = items.find(({ publicKey, revokedAt }) => publicKey === key.publicKey && revokedAt === null)
  if (registered) return { ...key, keyId: registered.id }
  const add = `${context.programName} keys add --rsa ${path} --app ${app.slug}`
  throw new CommandError(
    'key-unregistered',
    `${app.slug} does not know the RSA key in ${path}. Add its public half: ${add}`,
  )
}

function projectKey(project: Session['project']): string | undefined {
  return project?.defaults.rsaKey === undefined ? undefined : resolve(project.directory, project.defaults.rsaKey)
}
