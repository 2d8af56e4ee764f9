import { basename, resolve } from 'node:path'
import type { EmbeddedUpdate } from '@hotpatch/api'
import { Option, type Command } from 'commander'
import { given } from '../arguments/given.ts'
import { serverCommand, withApp, withYes } from '../arguments/shared-options.ts'
import { withTemporary } from '../content/temporary-folder.ts'
import { readShipped } from '../embedded/read-shipped.ts'
import { CommandError } from '../errors/errors.ts'
import { formatBytes } from '../output/text.ts'
import type { CliContext } from '../process/context.ts'
import { openSession, type Session, type SessionOptions } from '../session/session.ts'
import { sendContent } from '../upload/send-content.ts'

type OneOptions = SessionOptions & { platform?: 'android' | 'ios' }
type UploadOptions = OneOptions & { runtimeVersion?: string; nativeVersion?: string }

/** What binaries shipped with. */
export function addEmbeddedUpdateCommands(updates: Command, context: CliContext) {
  const embedded = updates.command('embedded').description('what the binaries of an app shipped with')

  serverCommand(embedded, 'upload', 'lets the server know what a binary shipped with', withApp, withYes)
    .argument(
      '<path>',
      'the APK, App Bundle or IPA, as it was built; or a folder or zip of the files that it shipped with',
    )
    .addOption(new Option('--platform <platform>', 'of a folder or zip').choices(['android', 'ios']))
    .option('--runtime-version <version>', 'of the binary; what it says of itself when absent')
    .option('--native-version <version>', 'of the binary, such as 1.4.0+7; what it says of itself when absent')
    .action((file: string, options: UploadOptions) => upload(context, file, options))

  serverCommand(embedded, 'list', 'lists them, those that were built last first', withApp).action(
    (options: SessionOptions) => list(context, options),
  )

  const platform = () => new Option('--platform <platform>', 'where two have the id').choices(['android', 'ios'])
  serverCommand(embedded, 'view', 'shows one', withApp)
    .argument('<id>', 'as devices tell it: of Expo, expo-embedded-update-id')
    .addOption(platform())
    .action((id: string, options: OneOptions) => view(context, id, options))

  serverCommand(embedded, 'delete', 'has the server forget one; its bytes stay', withApp, withYes)
    .argument('<id>')
    .addOption(platform())
    .action((id: string, options: OneOptions) => forget(context, id, options))
}

async function upload(context: CliContext, file: string, options: UploadOptions) {
  const session = await openSession(context, options)
  session.requireConsent()
  const added = await withTemporary(context, async (within) => {
    const path = resolve(context.cwd, file)
    const { platform, runtimeVersion, nativeVersion } = options
    const wish = { path, within, ...given({ platform, runtimeVersion, nativeVersion }) }
    const { update, upload: bytes, described } = await readShipped(context, wish)
    const app = await session.chooseApp()
    session.output.notice(`${basename(path)} for ${update.platform}: ${described}.`)
    await session.confirm(`Let ${app.slug} know of it?`)
    await sendContent(session, app, [bytes])
    return session.api.addEmbeddedUpdate(app.id, update)
  })
  show(session, added)
}

async function list(context: CliContext, options: SessionOptions) {
  const { api, chooseApp, output } = await openSession(context, options)
  const { items } = await api.listEmbeddedUpdates((await chooseApp()).id)
  output.result({ items }, () =>
    output.table(
      ['id', 'kind', 'platform', 'built', 'runtime version', 'version', 'size'],
      items.map(({ id, kind, platform, builtAt, runtimeVersion, nativeVersions, sizeBytes }) => [
        id,
        kind,
        platform,
        builtAt ?? '',
        runtimeVersion ?? '',
        nativeVersions.join(', '),
        formatBytes(sizeBytes),
      ]),
    ),
  )
}

async function view(context: CliContext, id: string, options: OneOptions) {
  const session = await openSession(context, options)
  show(session, (await find(session, id, options)).found)
}

async function forget(context: CliContext, id: string, options: OneOptions) {
  const session = await openSession(context, options)
  session.requireConsent()
  const { app, found } = await find(session, id, options)
  await session.confirm(`Have ${app.slug} forget what a binary for ${found.platform} ${nameOf(found)} shipped with?`)
  show(session, await session.api.removeEmbeddedUpdate(app.id, found.platform, found.id))
}

async function find({ api, chooseApp }: Session, id: string, { platform }: OneOptions) {
  const app = await chooseApp()
  const { items } = await api.listEmbeddedUpdates(app.id)
  const wanted = id.toLowerCase()
  const found = items.find((each) => each.id === wanted && (platform === undefined || each.platform === platform))
  if (found) return { app, found }
  throw new CommandError(
    'not-found',
    `${app.slug} has no embedded update ${id}${platform ? ` for ${platform}` : ''}. See: updates embedded list`,
  )
}

function nameOf({ builtAt, nativeVersions }: EmbeddedUpdate): string {
  return builtAt === null ? nativeVersions.join(', ') : `of ${builtAt}`
}

function show({ output }: Session, update: EmbeddedUpdate) {
  const { nativeVersions, ...fields } = update
  output.result(update, () => output.fields({ ...fields, nativeVersions: nativeVersions.join(', ') }))
}
