import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import type { EmbeddedUpdate, NewEmbeddedUpdate } from '@hotpatch/api'
import { readEmbeddedUpdate } from '@hotpatch/binary-files'
import { Problem } from '@hotpatch/protocol'
import { Option, type Command } from 'commander'
import { given } from '../arguments/given.ts'
import { serverCommand, withApp, withYes } from '../arguments/shared-options.ts'
import { withTemporary } from '../content/temporary-folder.ts'
import { CommandError, systemReason } from '../errors/errors.ts'
import { formatBytes } from '../output/text.ts'
import type { CliContext } from '../process/context.ts'
import { openSession, type Session, type SessionOptions } from '../session/session.ts'
import { sendContent } from '../upload/send-content.ts'

type UploadOptions = SessionOptions & { runtimeVersion?: string; nativeVersion?: string }
type OneOptions = SessionOptions & { platform?: 'android' | 'ios' }

/** What binaries of Expo's shipped with. */
export function addEmbeddedUpdateCommands(updates: Command, context: CliContext) {
  const embedded = updates.command('embedded').description('what the binaries of an Expo app shipped with')

  serverCommand(embedded, 'upload', 'lets the server know what a binary shipped with', withApp, withYes)
    .argument('<file>', 'the APK, App Bundle or IPA, as it was built')
    .option('--runtime-version <version>', 'of the binary; what it says of itself when absent')
    .option('--native-version <version>', 'of the binary, such as 1.4.0+7')
    .action((file: string, options: UploadOptions) => upload(context, file, options))

  serverCommand(embedded, 'list', 'lists them, those that were built last first', withApp).action(
    (options: SessionOptions) => list(context, options),
  )

  const platform = () => new Option('--platform <platform>', 'where two have the id').choices(['android', 'ios'])
  serverCommand(embedded, 'view', 'shows one', withApp)
    .argument('<id>', 'expo-embedded-update-id of a device')
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
  const path = resolve(context.cwd, file)
  const { launch, builtAt, id, platform, runtimeVersion } = await readFile(path)
  const app = await session.chooseApp()
  const sha256 = createHash('sha256').update(launch).digest('hex')
  const update: NewEmbeddedUpdate = {
    platform,
    id,
    builtAt: new Date(builtAt).toISOString(),
    ...given({ runtimeVersion: options.runtimeVersion ?? runtimeVersion, nativeVersion: options.nativeVersion }),
    sha256,
    sizeBytes: launch.length,
  }
  const version = update.runtimeVersion ?? 'of which the file says nothing (--runtime-version)'
  session.output.notice(
    `${basename(path)} for ${platform}: the update ${id}, built ${update.builtAt}, runtime version ${version}, bundle of ${formatBytes(launch.length)}.`,
  )
  await session.confirm(`Let ${app.slug} know of it?`)
  const added = await withTemporary(context, async (within) => {
    const bundle = join(within, 'launch')
    await writeFile(bundle, launch, { mode: 0o600 })
    const contentType = 'application/octet-stream'
    await sendContent(session, app, [{ kind: 'asset', path: bundle, sha256, sizeBytes: launch.length, contentType }])
    return session.api.addEmbeddedUpdate(app.id, update)
  })
  show(session, added)
}

async function readFile(path: string) {
  try {
    return await readEmbeddedUpdate(path, basename(path))
  } catch (cause) {
    if (cause instanceof Problem) throw new CommandError(cause.type, cause.message, { cause })
    throw new CommandError('file-unreadable', `${path} cannot be read: ${systemReason(cause)}.`, { cause })
  }
}

async function list(context: CliContext, options: SessionOptions) {
  const { api, chooseApp, output } = await openSession(context, options)
  const { items } = await api.listEmbeddedUpdates((await chooseApp()).id)
  output.result({ items }, () =>
    output.table(
      ['id', 'platform', 'built', 'runtime version', 'version', 'size'],
      items.map(({ id, platform, builtAt, runtimeVersion, nativeVersion, sizeBytes }) => [
        id,
        platform,
        builtAt,
        runtimeVersion ?? '',
        nativeVersion ?? '',
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
  await session.confirm(`Have ${app.slug} forget what a binary for ${found.platform} of ${found.builtAt} shipped with?`)
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

function show({ output }: Session, update: EmbeddedUpdate) {
  output.result(update, () => output.fields({ ...update }))
}
