import { X509Certificate } from 'node:crypto'
import { realpath, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { DEFAULT_CHANNEL, type App } from '@hotpatch/api'
import { UnexpectedJsonError } from '@hotpatch/protocol'
import { Option, type Command } from 'commander'
import { readChannel, readPlatforms } from '../arguments/readers.ts'
import { serverCommand, withApp, withYes } from '../arguments/shared-options.ts'
import { PROJECT_FILE } from '../config/project-file.ts'
import { CommandError, systemReason, UsageError } from '../errors/errors.ts'
import { findExpoProject, type ExpoProject } from '../expo/expo-project.ts'
import { signInForce, type SignInForceOptions } from '../expo-signing/sign-in-force.ts'
import { readAnswerKey } from '../expo-signing/answer-key.ts'
import { withAnswerKey } from '../expo-signing/choose-answer-key.ts'
import { setInJson } from '../files/json-text.ts'
import { lineDiff } from '../files/line-diff.ts'
import { readPlainText } from '../files/read-plain-text.ts'
import { formatList } from '../output/text.ts'
import type { CliContext } from '../process/context.ts'
import { openSession, type Session, type SessionOptions } from '../session/session.ts'

interface ConfigureOptions extends SessionOptions {
  channel?: string
  runtimeVersion?: string
  policy?: string
  certificate?: string
  keyId: string
  privateKeyPath?: string
}

type Setting = readonly [path: readonly string[], value: unknown]

const POLICIES = ['appVersion', 'nativeVersion', 'sdkVersion', 'fingerprint']
/** Where app.json has none, and nobody says another. */
const RUNTIME_VERSION: Setting = [['runtimeVersion'], { policy: 'appVersion' }]
const ALGORITHM = 'rsa-v1_5-sha256'

export function addExpoCommands(program: Command, context: CliContext) {
  const expo = program.command('expo').description('apps with expo-updates')
  serverCommand(expo, 'configure', 'writes into app.json where updates come from', withApp, withYes)
    .option('--channel <channel>', 'that of hotpatch.json, or production, when absent', readChannel)
    .option('--runtime-version <version>', 'exactly this; what app.json has when absent')
    .addOption(new Option('--policy <policy>', 'how the runtime version is worked out').choices(POLICIES))
    .option('--certificate <file>', 'whose key signs answers: apps take no others then')
    .option('--key-id <id>', 'with --certificate: the name of its key', 'main')
    .option('--private-key-path <file>', 'with --certificate: where its key is; hotpatch.json remembers it')
    .action((options: ConfigureOptions) => configure(context, options))

  serverCommand(
    expo,
    'sign',
    'signs again what is in force on a channel, for apps with a certificate',
    withApp,
    withAnswerKey,
    withYes,
  )
    .option('--platform <platforms>', 'android, ios, or both; all of the app when absent', readPlatforms)
    .option('--channel <channel>', 'that of hotpatch.json, or production, when absent', readChannel)
    .option('--dry-run', 'show what it would sign')
    .action((options: SignInForceOptions) => signInForce(context, options))
}

async function configure(context: CliContext, options: ConfigureOptions) {
  if (options.runtimeVersion !== undefined && options.policy !== undefined) {
    throw new UsageError('Give --runtime-version or --policy, not both.')
  }
  const session = await openSession(context, options)
  const { project } = session
  const expo = await findExpoProject(context.cwd, project?.directory ?? context.cwd)
  if (!expo) {
    const expected = `Expected an Expo app in ${context.cwd}: a package.json that depends on expo, and app.json or app.config.ts.`
    throw new UsageError(`${expected} Found none.`)
  }
  const certificate = options.certificate === undefined ? [] : await certificateSettings(context, expo, options)
  const app = await session.chooseApp()
  const settings = [...settingsOf(session, app, options), ...certificate]
  tellAccess(session, app)
  if (certificate.length > 0) {
    session.output.notice('Apps that are built with this certificate take no answer without a signature of its key.')
  }
  const remembered = await keyChanges(session, options)
  if (!expo.isPlain) {
    await changeFiles(session, remembered)
    return showSettings(session, expo, settings)
  }
  const { configPath: path } = expo
  const before = await readText(path)
  const own = { path, before, after: withSettings(path, before, settings, session) }
  await changeFiles(session, [own, ...remembered])
  const isWritten = own.after !== before
  session.output.result({ path, isWritten }, () => session.output.fields({ path, isWritten }))
}

interface FileChange {
  path: string
  before: string
  after: string
}

/** Where the key of the certificate is: only its place goes into the project file. */
async function keyChanges(
  session: Session,
  { certificate, privateKeyPath, keyId }: ConfigureOptions,
): Promise<FileChange[]> {
  const { context, project, output } = session
  if (privateKeyPath === undefined) return []
  if (certificate === undefined)
    throw new UsageError('--private-key-path is of a certificate: give --certificate, too.')
  const [certificatePath, keyPath] = [resolve(context.cwd, certificate), resolve(context.cwd, privateKeyPath)]
  const { warnings } = await readAnswerKey(context, { certificatePath, keyId, keyPath })
  for (const warning of warnings) output.notice(`! ${warning}`)
  if (!project) {
    const name = join(context.cwd, PROJECT_FILE)
    const advice = `Make it: ${context.programName} init.`
    throw new UsageError(`Expected ${name}, which remembers --private-key-path; found none. ${advice}`)
  }
  const before = await readText(project.path)
  const named = relative(project.directory, keyPath).replaceAll('\\', '/')
  return [{ path: project.path, before, after: setMissing(before, ['defaults', 'privateKeyPath'], named) }]
}

function settingsOf({ url, project }: Session, app: App, options: ConfigureOptions): Setting[] {
  const channel = options.channel ?? project?.defaults.channel ?? DEFAULT_CHANNEL
  const { runtimeVersion, policy } = options
  return [
    [['updates', 'url'], `${url.replace(/\/+$/, '')}/expo/${app.slug}/manifest`],
    [['updates', 'requestHeaders', 'expo-channel-name'], channel],
    ...(app.checkAccess === 'open' ? [] : [[['updates', 'requestHeaders', 'x-app-key'], app.appKey] as const]),
    ...(runtimeVersion === undefined && policy === undefined
      ? []
      : [[['runtimeVersion'], runtimeVersion ?? { policy }] as const]),
  ]
}

function tellAccess({ output }: Session, { slug, checkAccess }: App) {
  if (checkAccess === 'open') return
  output.notice(`${slug} wants its key of every device: it is sent as the header x-app-key.`)
}

async function certificateSettings(
  { cwd }: CliContext,
  { directory }: ExpoProject,
  { certificate = '', keyId }: ConfigureOptions,
): Promise<Setting[]> {
  const path = resolve(cwd, certificate)
  requireCertificate(path, await readText(path))
  const named = relative(directory, path).replaceAll('\\', '/')
  return [
    [['updates', 'codeSigningCertificate'], named.startsWith('..') ? named : `./${named}`],
    [['updates', 'codeSigningMetadata'], { keyid: keyId, alg: ALGORITHM }],
  ]
}

function requireCertificate(path: string, text: string) {
  try {
    // A private key in its place would go into every app.
    if (text.includes('PRIVATE KEY')) throw new Error('a private key')
    const { publicKey } = new X509Certificate(text)
    if (publicKey.asymmetricKeyType === 'rsa') return
    throw new Error(`one with a key of ${publicKey.asymmetricKeyType}`)
  } catch (cause) {
    const found = text.includes('PRIVATE KEY') ? 'a private key' : 'something else'
    const advice = 'Make one: npx expo-updates codesigning:generate.'
    throw new UsageError(`Expected a certificate with an RSA key in PEM at ${path}, found ${found}. ${advice}`, {
      cause,
    })
  }
}

/** What a program says is up to whoever wrote it. */
function showSettings({ output }: Session, { configPath }: ExpoProject, settings: readonly Setting[]) {
  let text = '{}\n'
  // Which runtime version a program has is not known here.
  for (const [path, value] of [RUNTIME_VERSION, ...settings]) text = setInJson(text, path, value)
  output.notice(`${configPath} is a program, which is not written. Have it say this, beside what it says:`)
  output.result({ path: configPath, isWritten: false, settings: JSON.parse(text) as unknown }, () =>
    output.line(text.trim()),
  )
}

/** Shows all of it, and asks once. */
async function changeFiles(session: Session, changes: readonly FileChange[]): Promise<void> {
  const { output } = session
  const open = changes.filter(({ before, after }) => before !== after)
  for (const { path } of changes.filter((change) => !open.includes(change))) {
    output.notice(`${path} says all of it already.`)
  }
  if (open.length === 0) return
  for (const { path, before, after } of open) {
    if (open.length > 1) output.notice(`${path}:`)
    for (const line of lineDiff(before, after)) output.notice(line)
  }
  await session.confirm(`Write this into ${formatList(open.map(({ path }) => path))}?`)
  for (const { path, before } of open) {
    if ((await readText(path)) === before) continue
    throw new CommandError('file-changed', `${path} was changed meanwhile, and is not overwritten. Run it again.`)
  }
  for (const { path, after } of open) await replace(path, after)
}

function withSettings(configPath: string, text: string, settings: readonly Setting[], { context }: Session): string {
  const advice = `It was not changed. ${context.programName} expo configure can write plain JSON only, without comments.`
  try {
    const json = JSON.parse(text) as { expo?: unknown } | null
    // Either way is Expo's own.
    const root = typeof json === 'object' && json !== null && 'expo' in json ? ['expo'] : []
    const config = root.length > 0 ? json?.expo : json
    const hasRuntime = typeof config === 'object' && config !== null && 'runtimeVersion' in config
    const all = hasRuntime ? settings : [RUNTIME_VERSION, ...settings]
    return all.reduce((written, [path, value]) => setMissing(written, [...root, ...path], value), text)
  } catch (cause) {
    if (!(cause instanceof SyntaxError || cause instanceof UnexpectedJsonError)) throw cause
    throw new CommandError('app-json-invalid', `${configPath} cannot be read: ${cause.message}. ${advice}`, { cause })
  }
}

/** What says the same already is left as it is written. */
function setMissing(text: string, path: readonly string[], value: unknown): string {
  const found = path.reduce<unknown>(
    (at, key) => (typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[key] : undefined),
    JSON.parse(text),
  )
  return JSON.stringify(found) === JSON.stringify(value) ? text : setInJson(text, path, value)
}

async function readText(path: string): Promise<string> {
  try {
    return await readPlainText(path)
  } catch (cause) {
    if (cause instanceof CommandError) throw cause
    throw new CommandError('file-unreadable', `${path} cannot be read: ${systemReason(cause)}.`, { cause })
  }
}

/** Whole or not at all; where a link led to it, it still does. */
async function replace(path: string, text: string): Promise<void> {
  const target = await realpath(path)
  const temporary = `${target}.${process.pid}.tmp`
  try {
    await writeFile(temporary, text, { flag: 'wx', mode: (await stat(target)).mode })
    await rename(temporary, target)
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => {})
    throw new CommandError('file-unwritable', `${path} cannot be written: ${systemReason(cause)}.`, { cause })
  }
}
