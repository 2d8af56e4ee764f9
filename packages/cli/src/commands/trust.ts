import { readFile, writeFile } from 'node:fs/promises'
import type { App } from '@hotpatch/api'
import type { Command } from 'commander'
import { readPublicKey } from '../arguments/readers.ts'
import { serverCommand, withApp, withJson, withYes, type JsonOptions } from '../arguments/shared-options.ts'
import { checkUrl } from '../config/connection.ts'
import { changeTrust, knownApp, readTrust, trustPath, type Trust } from '../config/trust-file.ts'
import type { CliContext } from '../process/context.ts'
import { CommandError, UsageError } from '../errors/errors.ts'
import { createOutput } from '../output/output.ts'
import { openSession, type Session, type SessionOptions } from '../session/session.ts'
import { findOwnKey } from '../signing/choose-key.ts'
import { fingerprintOf } from '../signing/signing-key.ts'

interface TrustAppOptions extends SessionOptions {
  project?: boolean
}

export function addTrustCommands(program: Command, context: CliContext) {
  const trust = program.command('trust').description('what your tool believes of servers, apps and other people’s keys')

  withJson(trust.command('list'))
    .description('shows what was accepted, and the highest sequences that are known')
    .action((options: JsonOptions) => listTrust(context, options))

  withJson(trust.command('server'))
    .description('lets tokens from the environment go to an address that only a project file names')
    .argument('<url>', 'address of the server')
    .action((url: string, options: JsonOptions) => trustServer(context, url, options))

  serverCommand(trust, 'app', 'accepts the id that an app has on the server now', withApp, withYes)
    .option('--project', 'write it into hotpatch.json, with the keys that you trust: for CI and for colleagues')
    .action((options: TrustAppOptions) => trustApp(context, options))

  serverCommand(trust, 'key', 'lets you state again what this key signed', withApp, withYes)
    .argument('<public-key>', 'in base64, as keys public of its owner prints it', readPublicKey)
    .action((publicKey: string, options: SessionOptions) => trustKey(context, publicKey, options))

  withJson(trust.command('forget'))
    .description('forgets an address, an app by its id, or a key')
    .argument('<what>', 'as trust list shows it')
    .action((what: string, options: JsonOptions) => forget(context, what, options))
}

async function listTrust(context: CliContext, options: JsonOptions) {
  const shown = rowsOf(await readTrust(trustPath(context.env)))
  const output = createOutput(context, options.json ?? false)
  output.result(shown, () => {
    for (const { url, apps } of shown.servers) {
      output.line(url)
      for (const { slug, id } of apps) output.line(`  ${slug}  ${id}`)
    }
    for (const { id, keys, sequences } of shown.apps) {
      const highest = Object.entries(sequences).map(([platform, sequence]) => `${platform} ${sequence}`)
      output.line(`${id}  highest sequence: ${highest.join(', ') || 'none'}`)
      for (const { fingerprint, publicKey } of keys) output.line(`  key ${fingerprint}  ${publicKey}`)
    }
    if (shown.servers.length + shown.apps.length === 0) output.notice('None.')
  })
}

function rowsOf({ servers, apps }: Trust) {
  return {
    servers: [...servers].map(([url, slugs]) => ({ url, apps: [...slugs].map(([slug, id]) => ({ slug, id })) })),
    apps: [...apps].map(([id, { keys, sequences, floors }]) => ({
      id,
      keys: keys.map((publicKey) => ({ publicKey, fingerprint: fingerprintOf(publicKey) })),
      sequences: Object.fromEntries(sequences),
      floors: Object.fromEntries(floors),
    })),
  }
}

async function trustServer(context: CliContext, given: string, options: JsonOptions) {
  const url = checkUrl({ value: given, source: '--url' })
  await changeTrust(trustPath(context.env), ({ servers }) => {
    servers.set(url, servers.get(url) ?? new Map<string, string>())
  })
  const output = createOutput(context, options.json ?? false)
  output.result({ url }, () => output.line(`Tokens from the environment may go to ${url}.`))
}

async function trustApp(context: CliContext, options: TrustAppOptions) {
  const session = await openSession(context, options)
  const { api, project, trust, output } = session
  const named = options.app ?? project?.app ?? project?.appId
  if (named === undefined) throw new UsageError('Say which app: --app my-app.')
  if (options.project && !project) throw new UsageError('There is no hotpatch.json here. Make one: {"app": "my-app"}')
  const app = await api.getApp(named)
  if (![app.slug, app.id].includes(named)) {
    throw new CommandError('app-changed', `Asked for ${named}, the server shows ${app.slug}. Nothing was accepted.`)
  }
  await session.confirm(`Sign for ${app.slug} on ${session.url} as the app ${app.id} from now on?`)
  await trust.accept(app)
  const pinned = options.project ? await writeIntoProject(context, session, app) : undefined
  const accepted = { url: session.url, app: app.slug, appId: app.id, project: pinned ?? null }
  output.result(accepted, () => output.fields(accepted))
}

/** With one's own key: colleagues, and CI, will want to state again what it signed. */
async function writeIntoProject(context: CliContext, { project, trust }: Session, app: App): Promise<string> {
  if (!project) throw new UsageError('There is no hotpatch.json here.')
  const own = await findOwnKey(context, undefined)
  const keys = [...(own ? [own.publicKey] : []), ...trust.publicKeysFor(app.id)]
  const json = JSON.parse(await readFile(project.path, 'utf8')) as Record<string, unknown>
  const changed = { ...json, appId: app.id, ...(keys.length > 0 && { trustedKeys: [...new Set(keys)] }) }
  await writeFile(project.path, `${JSON.stringify(changed, null, 2)}\n`)
  return project.path
}

async function trustKey(context: CliContext, publicKey: string, options: SessionOptions) {
  const session = await openSession(context, options)
  const app = await session.chooseApp()
  const fingerprint = fingerprintOf(publicKey)
  await session.confirm(`Take what the key ${fingerprint} signed for ${app.slug} as yours to state again?`)
  await session.trust.accept(app)
  await session.trust.change((trust) => {
    const known = knownApp(trust, app.id)
    known.keys = [...new Set([...known.keys, publicKey])]
  })
  const accepted = { app: app.slug, appId: app.id, publicKey, fingerprint }
  session.output.result(accepted, () => session.output.fields(accepted))
}

async function forget(context: CliContext, what: string, options: JsonOptions) {
  const output = createOutput(context, options.json ?? false)
  let found = false
  await changeTrust(trustPath(context.env), ({ servers, apps }) => {
    found = servers.delete(what) || found
    found = apps.delete(what) || found
    for (const slugs of servers.values()) {
      for (const [slug, id] of slugs) if (id === what) found = slugs.delete(slug) || found
    }
    for (const app of apps.values()) {
      const kept = app.keys.filter((key) => key !== what && fingerprintOf(key) !== what)
      found ||= kept.length < app.keys.length
      app.keys = kept
    }
  })
  if (!found) {
    throw new CommandError(
      'not-trusted',
      `${what} is not among what is trusted. See: ${context.programName} trust list`,
    )
  }
  output.result({ forgotten: what }, () => output.line(`${what} is forgotten.`))
}
