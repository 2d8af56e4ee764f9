import type { App, EdgeOfApp } from '@hotpatch/api'
import { writeEdgeKeyDocument } from '@hotpatch/protocol'
import type { Command } from 'commander'
import { serverCommand, withApp, withYes } from '../arguments/shared-options.ts'
import { CommandError, UsageError } from '../errors/errors.ts'
import type { CliContext } from '../process/context.ts'
import { openSession, type Session, type SessionOptions } from '../session/session.ts'
import { fingerprintOf, getSigningKey, keyPath } from '../signing/signing-key.ts'

interface SignOptions extends SessionOptions {
  key?: string
  days?: string
}

const DAY_MS = 86_400_000
const DEFAULT_DAYS = 365
/** Static edge §4: devices refuse keys that are good for longer. */
const MAX_DAYS = 400
/** Static edge §4: a server that says more wants a number signed after which there is none. */
const MAX_VERSION = 1_000

export function addEdgeCommands(program: Command, context: CliContext) {
  const edge = program.command('edge').description('signed files by which devices decide without the server')
  const withSigning = (command: Command) =>
    command
      .option('--key <file>', 'your signing key; ~/.rn-ota/signing_key.pem when absent')
      .option('--days <days>', `how long the server's key is good for, ${DEFAULT_DAYS} when absent`)

  serverCommand(edge, 'show', 'shows what the edge says, and which rollouts it leaves to the server', withApp).action(
    (options: SessionOptions) => showEdge(context, options),
  )

  serverCommand(
    edge,
    'enable',
    "signs for the server's key, so that devices take what it says",
    withApp,
    withSigning,
    withYes,
  ).action((options: SignOptions) => signFor(context, options, 'current'))

  serverCommand(
    edge,
    'rotate',
    'has the server make another key, and signs for that one alone',
    withApp,
    withSigning,
    withYes,
  ).action((options: SignOptions) => signFor(context, options, 'another'))

  serverCommand(
    edge,
    'disable',
    'signs that there is no edge any more: devices ask the server',
    withApp,
    withSigning,
    withYes,
  ).action((options: SignOptions) => signFor(context, options, 'none'))
}

async function showEdge(context: CliContext, options: SessionOptions) {
  const { api, chooseApp, output } = await openSession(context, options)
  const edge = await api.getEdge((await chooseApp()).id)
  output.result(edge, () => {
    const { keyDocument, catalogs } = edge
    if (!keyDocument || keyDocument.keys.length === 0) return output.line('This app has no edge: hotpatch edge enable')
    for (const { publicKey, notAfter } of keyDocument.keys)
      output.line(`key ${fingerprintOf(publicKey)} until ${notAfter}`)
    for (const { platform, channel, expiresAt, asksServer } of catalogs) {
      output.line(`${channel} ${platform}: good until ${expiresAt}`)
      for (const { rolloutId, reason } of asksServer)
        output.line(`  devices ask the server for ${rolloutId}: ${reason}`)
    }
  })
}

async function signFor(context: CliContext, options: SignOptions, which: 'current' | 'another' | 'none') {
  const session = await openSession(context, options)
  const { api, chooseApp, confirm, output } = session
  const key = await getSigningKey(keyPath(context, options.key))
  const days = readDays(options.days)
  const app = await chooseApp()
  const before = await api.getEdge(app.id)
  const serverKey = which === 'none' ? undefined : await findServerKey(session, app, before, which)
  const version = (before.keyDocument?.version ?? 0) + 1
  if (version > MAX_VERSION) {
    throw new CommandError(
      'version-too-high',
      `Expected a key document below ${MAX_VERSION}, found version ${version}.`,
    )
  }
  await confirm(
    serverKey === undefined
      ? `Sign that ${app.slug} has no edge any more (version ${version})?`
      : `Sign that the server speaks for ${app.slug} by the key ${fingerprintOf(serverKey)} for ${days} days (version ${version})?`,
  )
  const now = Date.now()
  const notAfter = new Date(now + days * DAY_MS).toISOString()
  const text = writeEdgeKeyDocument({
    appId: app.id,
    version,
    keys: serverKey === undefined ? [] : [{ publicKey: serverKey, notAfter }],
    createdAt: new Date(now).toISOString(),
  })
  const bytes = Buffer.from(text)
  const signed = { document: bytes.toString('base64'), signature: key.sign(bytes) }
  const edge = await api.putEdgeKeyDocument(app.id, signed)
  output.result(edge, () => output.fields({ version, key: serverKey ? fingerprintOf(serverKey) : 'none', notAfter }))
}

async function findServerKey(
  { api }: Pick<Session, 'api'>,
  app: Pick<App, 'id'>,
  { serverKeys }: EdgeOfApp,
  which: 'current' | 'another',
): Promise<string> {
  const known = which === 'current' ? serverKeys.at(-1) : undefined
  const found = known ?? (await api.addEdgeKey(app.id)).serverKeys.at(-1)
  if (found) return found.publicKey
  throw new CommandError('edge-key-missing', 'The server made a key, and does not show it.')
}

function readDays(text: string | undefined): number {
  const days = text === undefined ? DEFAULT_DAYS : Number(text)
  if (Number.isInteger(days) && days >= 1 && days <= MAX_DAYS) return days
  throw new UsageError(`--days: expected a whole number from 1 to ${MAX_DAYS}, found "${text}".`)
}
