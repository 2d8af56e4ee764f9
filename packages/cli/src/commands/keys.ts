import { resolve } from 'node:path'
import type { Impact } from '@hotpatch/api'
import { Option, type Command } from 'commander'
import { given } from '../arguments/given.ts'
import { readPublicKey } from '../arguments/readers.ts'
import { serverCommand, withApp, withJson, withYes, type JsonOptions } from '../arguments/shared-options.ts'
import type { CliContext } from '../process/context.ts'
import { UsageError } from '../errors/errors.ts'
import { createOutput } from '../output/output.ts'
import { findImpact } from '../release/change-impact.ts'
import { openSession, type SessionOptions } from '../session/session.ts'
import { readMinisignPublicKey } from '../signing/minisign-files.ts'
import { readRsaPublicKey } from '../signing/rsa-key.ts'
import { readSparklePublicKey } from '../signing/sparkle-text.ts'
import {
  fingerprintOf,
  generateSigningKey,
  getSigningKey,
  keyPath,
  publicKeyForms,
  type SigningKeyPair,
} from '../signing/signing-key.ts'

interface KeyFileOptions extends JsonOptions {
  key?: string
}

interface PublicKeyOptions extends KeyFileOptions {
  format?: 'raw' | 'hex' | 'pem'
}

interface ListKeysOptions extends SessionOptions {
  rsa?: boolean
  minisign?: boolean
  sparkle?: boolean
}

interface AddKeyOptions extends SessionOptions, KeyFileOptions {
  name?: string
  rsa?: string
  minisign?: string
  sparkle?: string
}

export function addKeyCommands(program: Command, context: CliContext) {
  const keys = program.command('keys').description('keys that sign releases: yours, and those that an app takes')
  const withKey = (command: Command) => command.option('--key <file>', '~/.rn-ota/signing_key.pem when absent')

  withJson(withKey(withYes(keys.command('generate'))))
    .description('makes your signing key; never overwrites one')
    .action(async (options: KeyFileOptions) => {
      printKey(context, options, await generateSigningKey(keyPath(context, options.key), context.programName))
    })

  withJson(withKey(keys.command('show')))
    .description('shows where your signing key is, and its fingerprint')
    .action(async (options: KeyFileOptions) => {
      printKey(context, options, await getSigningKey(keyPath(context, options.key)))
    })

  withJson(withKey(keys.command('public')))
    .description('prints the public half in the forms that apps embed')
    .addOption(new Option('--format <format>', 'only this form').choices(['raw', 'hex', 'pem']))
    .action((options: PublicKeyOptions) => printPublicKey(context, options))

  serverCommand(keys, 'list', 'lists the keys that an app takes', withApp)
    .option('--rsa', 'those that sign for clients of others')
    .option('--minisign', "those of minisign, as Tauri's")
    .option('--sparkle', 'those of Sparkle')
    .action((options: ListKeysOptions) => listKeys(context, options))

  serverCommand(keys, 'add', 'has an app take releases signed by a key', withApp, withKey, withYes)
    .argument('[public-key]', 'in base64; that of your own signing key when absent', readPublicKey)
    .option('--name <name>', 'whose it is')
    .option('--rsa <file>', 'the public half of an RSA key in PEM, which signs for clients of others')
    .option('--minisign <file>', 'that of a minisign key, FILE.pub, or the tauri.conf.json that has it')
    .option('--sparkle <key>', 'SUPublicEDKey, as generate_keys of Sparkle prints it')
    .action((publicKey: string | undefined, options: AddKeyOptions) => addKey(context, publicKey, options))

  serverCommand(keys, 'revoke', 'has an app take no more releases signed by a key', withApp, withYes)
    .argument('<key-id>', 'see keys list')
    .action((id: string, options: SessionOptions) => revokeKey(context, id, options))
}

function printKey(context: CliContext, options: JsonOptions, { path, publicKey, fingerprint }: SigningKeyPair) {
  const output = createOutput(context, options.json ?? false)
  const facts = { path, publicKey, fingerprint }
  output.result(facts, () => output.fields(facts))
}

async function printPublicKey(context: CliContext, { key, format, json = false }: PublicKeyOptions) {
  const { publicKey, fingerprint } = await getSigningKey(keyPath(context, key))
  const forms = publicKeyForms(publicKey)
  const output = createOutput(context, json)
  output.result({ ...forms, fingerprint }, () => {
    if (format) return output.line(forms[format].trimEnd())
    output.fields({ raw: forms.raw, hex: forms.hex })
    output.line(`\n${forms.pem.trimEnd()}`)
  })
}

async function listKeys(context: CliContext, options: ListKeysOptions) {
  const { api, chooseApp, output } = await openSession(context, options)
  const app = await chooseApp()
  const foreign = FOREIGN_KEYS.find(({ option }) => options[option])
  if (foreign) {
    const { algorithm, columns } = foreign
    return output.page(await api.listKeys(app.id, algorithm), ['id', ...columns, 'name', 'createdAt', 'revokedAt'])
  }
  const { items, nextCursor } = await api.listKeys(app.id)
  const withFingerprints = items.map((key) => ({ ...key, fingerprint: fingerprintOf(key.publicKey) }))
  output.page({ items: withFingerprints, nextCursor }, ['fingerprint', 'name', 'createdAt', 'revokedAt', 'id'])
}

async function addKey(context: CliContext, keyArgument: string | undefined, options: AddKeyOptions) {
  if (FOREIGN_KEYS.some(({ option }) => options[option] !== undefined)) {
    return addForeignKey(context, keyArgument, options)
  }
  const { api, chooseApp, confirm, output } = await openSession(context, options)
  const publicKey = keyArgument ?? (await getSigningKey(keyPath(context, options.key))).publicKey
  const app = await chooseApp()
  const impact = await findImpact(api, app.id, { change: 'add-key', publicKey }, output)
  const refusing = countRefusing(impact)
  if (refusing > 0) {
    output.notice(
      `Known devices: ${refusing} of ${impact?.devices} have a binary without this key. They refuse whatever it signs and ` +
        'stay on the last release of a key that they hold, until their app is updated from its store.',
    )
  }
  await confirm(`Have ${app.slug} take releases signed by the key ${fingerprintOf(publicKey)}?`)
  const added = await api.addKey(app.id, { publicKey, ...given({ name: options.name }) })
  output.result({ ...added, impact: impact ?? null }, () => output.fields(added))
}

/** Of others: what an option gives of one, and what is shown of it. */
const FOREIGN_KEYS = [
  { option: 'rsa', algorithm: 'rsa', called: 'RSA key', columns: [], read: readRsaPublicKey },
  {
    option: 'minisign',
    algorithm: 'minisign',
    called: 'minisign key',
    columns: ['publicKey'],
    read: readMinisignPublicKey,
  },
  { option: 'sparkle', algorithm: 'sparkle-ed25519', called: 'Sparkle key', columns: ['publicKey'], read: undefined },
] as const

/** It signs no statements: no device of our own looks at it, so that there is no impact to tell. */
async function addForeignKey(context: CliContext, keyArgument: string | undefined, options: AddKeyOptions) {
  const [named, another] = FOREIGN_KEYS.filter(({ option }) => options[option] !== undefined)
  if (!named || another || keyArgument !== undefined || options.key !== undefined) {
    throw new UsageError('Give one key: --rsa FILE, --minisign FILE, --sparkle KEY, or a signing key.')
  }
  const { option, algorithm, called, read } = named
  const text = options[option] ?? ''
  const publicKey = read ? await read(resolve(context.cwd, text)) : readSparklePublicKey(text)
  const { api, chooseApp, confirm, output } = await openSession(context, options)
  const app = await chooseApp()
  await confirm(`Have ${app.slug} take signatures of the ${called} ${read ? `in ${text}` : publicKey}?`)
  const added = await api.addKey(app.id, { publicKey, algorithm, ...given({ name: options.name }) })
  output.result(added, () => output.fields({ id: added.id, name: added.name, createdAt: added.createdAt }))
}

async function revokeKey(context: CliContext, id: string, options: SessionOptions) {
  const { api, chooseApp, confirm, output } = await openSession(context, options)
  const app = await chooseApp()
  const impact = await findImpact(api, app.id, { change: 'revoke-key', keyId: id }, output)
  const refusing = countRefusing(impact)
  if (refusing > 0) {
    output.notice(
      `Known devices: ${refusing} of ${impact?.devices} hold none of the keys that are left. Nothing that is published ` +
        'from then on reaches them, nor a roll-back, until their app is updated from its store.',
    )
  }
  await confirm(`Have ${app.slug} take no more releases signed by the key ${id}?`)
  const revoked = await api.revokeKey(app.id, id)
  output.result({ ...revoked, impact: impact ?? null }, () => output.fields(revoked))
}

function countRefusing(impact: Impact | undefined): number {
  return impact?.cannotTake.reduce((sum, { devices }) => sum + devices, 0) ?? 0
}
