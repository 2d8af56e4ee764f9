import type { App, ManagementClient } from '@hotpatch/api'
import type { Command } from 'commander'
import { serverCommand, withApp } from '../arguments/shared-options.ts'
import { findCapacitorProject } from '../capacitor/capacitor-project.ts'
import { configPath, readLogins } from '../config/config-file.ts'
import { resolveToken, resolveUrl } from '../config/connection.ts'
import { findProject } from '../config/project-file.ts'
import { readAcceptedServers, trustPath } from '../config/trust-file.ts'
import type { CliContext } from '../process/context.ts'
import { describeError } from '../errors/describe-error.ts'
import { failed, passed, type Check } from '../doctor/check.ts'
import { checkAcquaintance } from '../doctor/app-checks.ts'
import { checkCapacitor } from '../doctor/capacitor-checks.ts'
import { checkEdge } from '../doctor/edge-checks.ts'
import { checkKey } from '../doctor/key-checks.ts'
import { checkProxy, checkServer } from '../doctor/server-checks.ts'
import { checkSequences } from '../doctor/sequence-checks.ts'
import { checkTools } from '../doctor/tool-checks.ts'
import { CommandError } from '../errors/errors.ts'
import { createOutput } from '../output/output.ts'
import { formatCount } from '../output/text.ts'
import type { SessionOptions } from '../session/session.ts'

const MARKS = { ok: '✓', warn: '!', fail: '✗' } as const

export function addDoctorCommand(program: Command, context: CliContext) {
  serverCommand(program, 'doctor', 'looks for what is wrong, and says how to mend it', withApp).action(
    (options: SessionOptions) => runDoctor(context, options),
  )
}

async function runDoctor(context: CliContext, options: SessionOptions) {
  const checks = await examine(context, options)
  const failures = checks.filter(({ status }) => status === 'fail')
  const output = createOutput(context, options.json ?? false)
  output.result({ ok: failures.length === 0, checks }, () => {
    for (const { id, status, message, fix } of checks) {
      output.line(`${MARKS[status]} ${id}: ${message}`)
      if (fix !== null) output.line(`    ${fix}`)
    }
  })
  if (failures.length > 0) {
    throw new CommandError('checks-failed', `${formatCount(failures.length, 'check')} failed.`)
  }
}

async function examine(context: CliContext, options: SessionOptions): Promise<Check[]> {
  const checks: Check[] = []

  /** What is wrong with one thing must not hide the others. */
  async function attempt<T>(id: string, look: () => T | Promise<T>): Promise<T | undefined> {
    try {
      return await look()
    } catch (error) {
      const { message, hint } = describeError(error, context.programName)
      checks.push(failed(id, message, hint))
      return undefined
    }
  }

  const project = await attempt('project', async () => {
    const found = await findProject(context.cwd)
    checks.push(passed('project', found ? `${found.path} is valid.` : 'There is no hotpatch.json, and none is needed.'))
    return found
  })
  const found = await attempt('config', () => readLogins(configPath(context.env)))
  const logins = found ?? { main: {}, named: new Map() }
  const reached = await attempt('server', async () => {
    const accepted = await readAcceptedServers(trustPath(context.env))
    const sources = { flags: options, env: context.env, project, logins, accepted }
    const url = resolveUrl(sources)
    const token = url && resolveToken(sources, url, context.programName)
    if (url) checks.push(checkProxy(context, url))
    const { checks: found, api } = await checkServer(context, url, token)
    checks.push(...found)
    return url && api && { url: url.value, api }
  })
  const server = reached?.api
  const named = options.app ?? project?.app ?? project?.appId
  const app = server && (await attempt('app', () => findApp(server, named)))
  const known =
    reached &&
    app &&
    (await attempt('app-known', () => checkAcquaintance(context, project, reached.url, { app, named })))
  const keyChecks = await attempt('key', () => checkKey(context, server && app && { api: server, app }))
  const sequenceChecks =
    server && app && (await attempt('sequence', () => checkSequences(context, { api: server, app })))
  const edgeChecks =
    server && app && (await attempt('edge-key', () => checkEdge(context.programName, { api: server, app })))
  const root = project?.directory ?? context.cwd
  const capacitor = await attempt('capacitor', () => findCapacitorProject(context.cwd, root))
  const target = reached && app && { url: reached.url, app }
  const capacitorChecks =
    capacitor && (await attempt('update-plugin', () => checkCapacitor(context.programName, capacitor, project, target)))
  return [
    ...checks,
    ...(known ? [known] : []),
    ...(keyChecks ?? []),
    ...(sequenceChecks ?? []),
    ...(edgeChecks ?? []),
    ...(capacitorChecks ?? []),
    ...checkTools(root, capacitor !== undefined),
  ]
}

/** The app that commands would use; undefined when they would ask for --app. */
async function findApp(api: ManagementClient, named: string | undefined): Promise<App | undefined> {
  if (named !== undefined) return api.getApp(named)
  const { items } = await api.listApps({ limit: 2 })
  return items.length === 1 ? items[0] : undefined
}
