import { readFile, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { App, Appcast, AppcastQuery } from '@hotpatch/api'
import { writeSignedAppcast } from '@hotpatch/signatures'
import type { Command } from 'commander'
import { given } from '../arguments/given.ts'
import { readChannel, readPlatform } from '../arguments/readers.ts'
import { serverCommand, withApp, withYes } from '../arguments/shared-options.ts'
import { CommandError, systemReason, UsageError } from '../errors/errors.ts'
import type { Output } from '../output/output.ts'
import type { CliContext } from '../process/context.ts'
import { openSession, type Session, type SessionOptions } from '../session/session.ts'
import { readSparkleKey } from '../signing/sparkle-key.ts'

interface AppcastOptions extends SessionOptions {
  platform?: AppcastQuery['platform']
}

interface SignOptions extends AppcastOptions {
  key?: string
  signed?: string
}

export function addAppcastCommands(program: Command, context: CliContext) {
  const appcast = program.command('appcast').description('feeds for Sparkle that are signed as a whole')
  const ofChannel = (command: Command) =>
    command
      .argument('<channel>', 'such as production', readChannel)
      .option('--platform <platform>', 'the feed of this platform; that of all when absent', readPlatform)

  serverCommand(appcast, 'show', 'shows what a feed offers, and whether it is signed', withApp, ofChannel).action(
    (channel: string, options: AppcastOptions) => show(context, channel, options),
  )

  serverCommand(appcast, 'save', 'writes a feed to a file, for sign_update', withApp, ofChannel)
    .argument('<file>', 'such as appcast.xml')
    .action((channel: string, file: string, options: AppcastOptions) => save(context, channel, file, options))

  serverCommand(appcast, 'sign', 'signs what a feed says now; the key stays here', withApp, withYes, ofChannel)
    .option('--key <file>', 'what "generate_keys -x" of Sparkle wrote; - for standard input')
    .option('--signed <file>', 'what "sign_update --disable-signing-warning" made of the saved one')
    .action((channel: string, options: SignOptions) => signFeed(context, channel, options))
}

async function show(context: CliContext, channel: string, options: AppcastOptions) {
  const { api, chooseApp, output } = await openSession(context, options)
  const app = await chooseApp()
  const appcast = await api.getAppcast(app.id, channel, given({ platform: options.platform }))
  output.result(appcast, () => showAppcast(output, appcast))
}

async function save(context: CliContext, channel: string, file: string, options: AppcastOptions) {
  const { api, chooseApp, output } = await openSession(context, options)
  const app = await chooseApp()
  const appcast = await api.getAppcast(app.id, channel, given({ platform: options.platform }))
  const path = resolve(context.cwd, file)
  try {
    await writeFile(path, appcast.content)
  } catch (cause) {
    throw new CommandError('file-unwritable', `${path} cannot be written: ${systemReason(cause)}.`, { cause })
  }
  output.result({ path }, () => output.notice(`Written to ${path}.`))
}

/** What is signed is shown before: whoever signs vouches for all of it. */
async function signFeed(context: CliContext, channel: string, { key, signed, ...options }: SignOptions) {
  if ((key === undefined) === (signed === undefined)) {
    throw new UsageError('Say which key signs it, --key, or give the feed as sign_update has signed it, --signed.')
  }
  const session = await openSession(context, options)
  const { api, chooseApp, confirm, output } = session
  session.requireConsent()
  const app = await chooseApp()
  const platform = given({ platform: options.platform })
  const appcast = await api.getAppcast(app.id, channel, platform)
  const text = key === undefined ? await readSigned(context, signed) : await signNow(session, app, appcast, key)
  showItems((line) => output.notice(line), appcast)
  await confirm(`Sign this feed of ${app.slug}, ${channel}?`)
  const after = await api.signAppcast(app.id, channel, { ...platform, signed: text })
  output.result(after, () => showAppcast(output, after))
}

async function signNow({ api, context }: Session, app: App, { content }: Appcast, file: string): Promise<string> {
  const key = await readSparkleKey(context, file)
  const { items } = await api.listKeys(app.id, 'sparkle-ed25519')
  const isKnown = items.some(({ publicKey, revokedAt }) => publicKey === key.publicKey && revokedAt === null)
  if (isKnown) return writeSignedAppcast({ content, value: key.sign(Buffer.from(content)) })
  const add = `${context.programName} keys add --sparkle ${key.publicKey} --app ${app.slug}`
  throw new CommandError('key-unregistered', `${app.slug} does not know this key of Sparkle. Add it: ${add}`)
}

async function readSigned({ cwd }: CliContext, file = ''): Promise<string> {
  const path = resolve(cwd, file)
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw new CommandError('file-unreadable', `${path} cannot be read: ${systemReason(cause)}.`, { cause })
  }
}

function showAppcast(output: Output, appcast: Appcast) {
  const { channel, platform, url } = appcast
  output.fields({ channel, platform, url, signed: describeSignature(appcast) })
  showItems((line) => output.line(line), appcast)
}

function describeSignature({ signature }: Appcast): string {
  if (!signature) return 'no; apps with SURequireSignedFeed take nothing from it'
  const { isInForce, signedAt, signedBy, outOfDateSince } = signature
  if (isInForce) return `yes, at ${signedAt} by ${signedBy}`
  const since = outOfDateSince === null ? '' : ` since ${outOfDateSince}`
  return `out of date${since}: it is served unsigned, and apps with SURequireSignedFeed take nothing from it. Sign it again: appcast sign`
}

/** Our own feeds: each item has one of these, in this order. */
const ITEM = /<item>\s*<title>([^<]*)<\/title>[\s\S]*?<enclosure url="([^"]*)"[^>]*?(sparkle:edSignature="[^"]*")?\/>/g

function showItems(tell: (line: string) => void, { content }: Appcast) {
  const items = [...content.matchAll(ITEM)]
  if (items.length === 0) tell('It offers nothing.')
  for (const [, version, url, signature] of items) {
    tell(`${version}  ${url}${signature === undefined ? '  without edSignature: Sparkle refuses the file' : ''}`)
  }
}
