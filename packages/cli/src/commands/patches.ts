import { setTimeout as wait } from 'node:timers/promises'
import type { App, NewPatch, Patch } from '@hotpatch/api'
import type { Platform } from '@hotpatch/protocol'
import { Option, type Command } from 'commander'
import { readPlatform, readVersion } from '../arguments/readers.ts'
import { serverCommand, withApp, withGroup, withYes } from '../arguments/shared-options.ts'
import { readRecipients } from '../encryption/choose-recipients.ts'
import { CommandError, UsageError } from '../errors/errors.ts'
import { formatBytes, formatCount } from '../output/text.ts'
import type { CliContext } from '../process/context.ts'
import { findNamedRelease } from '../release/find-release.ts'
import { choosePlatform } from '../release/several-platforms.ts'
import { sendEncryptedPatch, type EncryptedPatchOptions } from '../patches/send-encrypted-patch.ts'
import { openSession, type Session, type SessionOptions } from '../session/session.ts'

type MakeOptions = SessionOptions &
  EncryptedPatchOptions & { from: string; to: string; platform?: Platform; kind?: Patch['kind'] }

const ASK_EVERY_MS = 500
const KINDS: readonly Patch['kind'][] = ['tree', 'bsdiff40', 'bsdiff43']

/** What brings devices from one bundle to another in few bytes. */
export function addPatchCommands(program: Command, context: CliContext) {
  serverCommand(program, 'patch', 'makes a patch from one release to another', withApp, withEncryption)
    .addHelpText(
      'after',
      '\nThe server makes it, and this waits for it. To an encrypted release it is made here, where the key is, and sent.',
    )
    .requiredOption(
      '--from <version>',
      'the release that devices run; or embedded:VERSION, what the binaries of a native version shipped with',
      readBase,
    )
    .requiredOption('--to <version>', 'the release that they are sent', readVersion)
    .option('--platform <platform>', 'the only one of hotpatch.json when absent', readPlatform)
    .addOption(new Option('--kind <kind>', 'the one for the clients of such releases when absent').choices(KINDS))
    .action((options: MakeOptions) => make(context, options))

  const patches = program.command('patches').description('patches from one release to another')
  serverCommand(patches, 'list', 'lists them, the newest first', withApp).action((options: SessionOptions) =>
    list(context, options),
  )
  serverCommand(patches, 'show', 'shows one', withApp)
    .argument('<id>', 'see patches list')
    .action((id: string, options: SessionOptions) => view(context, id, options))
  serverCommand(patches, 'prune', 'removes one, and the server makes it no more by itself', withApp, withYes)
    .argument('<id>', 'see patches list')
    .action((id: string, options: SessionOptions) => prune(context, id, options))
}

function withEncryption(command: Command): Command {
  return withGroup(command, 'To an encrypted release:', (grouped) =>
    grouped
      .option('--decryption-key <files...>', 'the private keys that open it: your own encryption key when absent')
      .option('--from-zip <file>', 'the zip that --from was published of, instead of what the server has')
      .option('--to-zip <file>', 'the same of --to')
      .option('--encrypt-for <keys>', 'its public keys, besides encryptFor of hotpatch.json', readRecipients),
  )
}

/** What a binary shipped with goes by its native version or its id: the server knows which there are. */
function readBase(text: string): string {
  return text.startsWith('embedded:') ? text : readVersion(text)
}

async function make(context: CliContext, { from, to, kind, ...options }: MakeOptions) {
  const session = await openSession(context, options)
  const app = await session.chooseApp()
  const platform = choosePlatform(options.platform, session.project)
  const target = await findNamedRelease(session.api, app, { platform, version: to })
  if (target.content.kind === 'archive' && target.content.encryption) {
    if (kind !== undefined && kind !== 'tree') {
      throw new UsageError(`To ${to}, which is encrypted, patches are of the kind tree: leave --kind out.`)
    }
    show(session, await sendEncryptedPatch(session, { app, platform, from, to: target }, options))
    return
  }
  refuseUnused(to, options)
  show(session, await makeOnServer(session, app, { platform, from, to, ...(kind && { kind }) }))
}

/** Else somebody believes that it is encrypted. */
function refuseUnused(to: string, { decryptionKey, fromZip, toZip, encryptFor }: EncryptedPatchOptions) {
  if (!decryptionKey && fromZip === undefined && toZip === undefined && !encryptFor) return
  throw new UsageError(`${to} is not encrypted: the server makes patches to it, and needs no key and no zip.`)
}

async function makeOnServer({ api, context, output }: Session, app: App, wish: NewPatch): Promise<Patch> {
  const { from, to } = wish
  let patch = await api.makePatch(app.id, wish)
  if (patch.state === 'waiting')
    output.notice(`The server makes a patch from ${from} to ${to}. It goes on without this tool.`)
  while (patch.state === 'waiting') {
    await wait(ASK_EVERY_MS, undefined, { signal: context.signal })
    patch = await api.getPatch(app.id, patch.id)
  }
  const why = WHY_NONE[patch.state]
  if (why !== undefined) throw new CommandError('patch-not-made', `There is no patch from ${from} to ${to}: ${why}.`)
  return patch
}

const WHY_NONE: Readonly<Partial<Record<Patch['state'], string>>> = {
  'not-smaller': 'it would not be clearly smaller than the bundle, which devices take instead',
  'too-large': 'the bundles are too large, unpacked, to be compared',
  lost: 'the server does not have the bytes of both any more',
  pruned: 'somebody pruned it meanwhile',
}

async function list(context: CliContext, options: SessionOptions) {
  const { api, chooseApp, output } = await openSession(context, options)
  const { items, stored } = await api.listPatches((await chooseApp()).id)
  output.result({ items, stored }, () => {
    output.table(
      ['id', 'kind', 'platform', 'from', 'to', 'state', 'size', 'whole', 'saved'],
      items.map(({ id, kind, platform, from, to, isEncrypted, state, sizeBytes, fullSizeBytes, savedShare }) => [
        id,
        isEncrypted ? `${kind}, encrypted` : kind,
        platform,
        from,
        to,
        state,
        sizeBytes === null ? '' : formatBytes(sizeBytes),
        formatBytes(fullSizeBytes),
        savedShare === null ? '' : formatShare(savedShare),
      ]),
    )
    const { patches, patchBytes, packed, packedBytes } = stored
    output.line(
      `Stored: ${formatCount(patches, 'patch', 'patches')}, ${formatBytes(patchBytes)}; ` +
        `${formatCount(packed, 'packed release', 'packed releases')}, ${formatBytes(packedBytes)}`,
    )
  })
}

async function view(context: CliContext, id: string, options: SessionOptions) {
  const session = await openSession(context, options)
  const app = await session.chooseApp()
  show(session, await session.api.getPatch(app.id, id))
}

async function prune(context: CliContext, id: string, options: SessionOptions) {
  const session = await openSession(context, options)
  session.requireConsent()
  const app = await session.chooseApp()
  const { from, to, platform } = await session.api.getPatch(app.id, id)
  await session.confirm(`Prune the patch from ${from} to ${to} for ${platform}? Devices take the whole bundle then.`)
  show(session, await session.api.prunePatch(app.id, id))
}

function show({ output }: Session, patch: Patch) {
  const { packed, savedShare, ...fields } = patch
  output.result(patch, () => {
    output.fields({ ...fields, ...(savedShare !== null && { saved: formatShare(savedShare) }) })
    for (const { format, sizeBytes } of packed) output.notice(`${format}: ${formatBytes(sizeBytes)}`)
  })
}

function formatShare(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}
