import { copyFile, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { UnexpectedJsonError, parseJson } from '@hotpatch/protocol'
import { CommandError, hasCode, systemReason } from '../errors/errors.ts'
import { readPlainText } from '../files/read-plain-text.ts'
import type { CliContext } from '../process/context.ts'
import {
  readApps,
  readDeployments,
  readHistory,
  type CodePushApp,
  type CodePushDeployment,
  type CodePushRelease,
} from './code-push-history.ts'
import { downloadByHttps, openSourceServer } from './source-server.ts'

/** Where the history of CodePush apps is read from. */
export interface CodePushSource {
  listApps(): Promise<CodePushApp[]>
  listDeployments(app: string): Promise<CodePushDeployment[]>
  /** Brings the zip of a release to a path. @throws CommandError package-unreadable */
  fetchPackage(release: CodePushRelease, path: string): Promise<void>
}

/** What CodePush's own tools send. */
const ACCEPT = 'application/vnd.code-push.v2+json'

/** A server with the management API of CodePush's tools. */
export function openCodePushServer(context: CliContext, from: string, token: string): CodePushSource {
  const server = openSourceServer(context, from, token, ACCEPT)
  const deploymentsOf = (app: string) => `/apps/${encodeURIComponent(app)}/deployments`
  return {
    listApps: () => server.read('/apps', readApps),
    async listDeployments(app) {
      const found: CodePushDeployment[] = []
      for (const { name, key } of await server.read(deploymentsOf(app), readDeployments)) {
        const path = `${deploymentsOf(app)}/${encodeURIComponent(name)}/history`
        found.push({ name, key, ...(await server.read(path, readHistory)) })
      }
      return found
    },
    fetchPackage: (release, path) => server.download(addressOf(release), path),
  }
}

/**
 * A folder of what CodePush's tool prints with `--format json`: `{app}/deployments.json` and `{app}/{deployment}.json`;
 * the zips in `packages`, each under the last part of its address or under its package hash.
 */
export function openCodePushExport(context: CliContext, directory: string): CodePushSource {
  const packages = join(directory, 'packages')
  const readFile = async <Answer>(name: string, read: (json: unknown) => Answer): Promise<Answer> => {
    const path = join(directory, name)
    try {
      return read(parseJson(await readPlainText(path)))
    } catch (cause) {
      if (cause instanceof CommandError) throw cause
      const reason = cause instanceof UnexpectedJsonError ? cause.message : systemReason(cause)
      throw new CommandError('source-unreadable', `${path} cannot be read: ${reason}.`, { cause })
    }
  }
  return {
    listApps: () => readFile('apps.json', readApps),
    async listDeployments(app) {
      const found: CodePushDeployment[] = []
      for (const { name, key } of await readFile(join(folderOf(app), 'deployments.json'), readDeployments)) {
        found.push({ name, key, ...(await readFile(join(folderOf(app), `${folderOf(name)}.json`), readHistory)) })
      }
      return found
    },
    async fetchPackage(release, path) {
      const names = [`${release.packageHash}.zip`, release.packageHash, ...blobNames(release)]
      for (const name of names) {
        if (await isFile(join(packages, name))) return copyFile(join(packages, name), path)
      }
      if (release.blobUrl === undefined) {
        const message = `${packages} has no ${names.join(' and no ')}, and no address is named.`
        throw new CommandError('package-unreadable', message)
      }
      return downloadByHttps(context, release.blobUrl, path)
    },
  }
}

function addressOf({ blobUrl }: CodePushRelease): string {
  if (blobUrl !== undefined) return blobUrl
  throw new CommandError('package-unreadable', 'The source does not say where its zip lies.')
}

/** The name of a folder or file: no name leads out of the export. */
function folderOf(name: string): string {
  if (name !== '.' && name !== '..' && basename(name) === name && !name.includes('\\')) return name
  throw new CommandError('source-unreadable', `Expected a name that a folder can have, found ${JSON.stringify(name)}.`)
}

function blobNames({ blobUrl }: CodePushRelease): string[] {
  const last =
    URL.parse(blobUrl ?? '')
      ?.pathname.split('/')
      .at(-1) ?? ''
  return /^[A-Za-z0-9._-]{1,255}$/.test(last) && !/^\.+$/.test(last) ? [last] : []
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile()
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return false
    throw error
  }
}
