import { access, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { App } from '@hotpatch/api'
import { readObject, type Platform } from '@hotpatch/protocol'
import type { Command } from 'commander'
import { given } from '../arguments/given.ts'
import { isSlug, readPlatforms } from '../arguments/readers.ts'
import { findCapacitorProject, plainText, type CapacitorProject } from '../capacitor/capacitor-project.ts'
import { serverCommand, withApp, withYes } from '../arguments/shared-options.ts'
import { PROJECT_FILE } from '../config/project-file.ts'
import type { CliContext } from '../process/context.ts'
import { CommandError, hasCode, systemReason, UsageError } from '../errors/errors.ts'
import { openSession, type Session, type SessionOptions } from '../session/session.ts'
import { findSigningKey, keyPath } from '../signing/signing-key.ts'
import { readPlainText } from '../files/read-plain-text.ts'

interface InitOptions extends SessionOptions {
  platforms?: Platform[]
}

/** What a folder tells about the app that is in it. */
interface Findings {
  slug: string | undefined
  platforms: Platform[] | undefined
  entryFile: string | undefined
  /** Of a Capacitor app, whose web app needs no entry file. */
  capacitor: CapacitorProject | undefined
}

const ENTRY_FILES = ['index.js', 'index.ts', 'index.tsx', 'index.jsx']

export function addInitCommand(program: Command, context: CliContext) {
  serverCommand(program, 'init', `writes ${PROJECT_FILE} for the app in this folder`, withApp, withYes)
    .option('--platforms <platforms>', 'comma-separated; as the folder tells when absent', readPlatforms)
    .action((options: InitOptions) => initialize(context, options))
}

async function initialize(context: CliContext, options: InitOptions) {
  const path = join(context.cwd, PROJECT_FILE)
  if (await exists(path)) throw new CommandError('project-exists', `${path} exists, and is not overwritten.`)
  const findings = await examine(context.cwd)
  const session = await openSession(context, options)
  session.requireConsent()
  const slug = options.app ?? findings.slug
  if (slug === undefined) throw new UsageError('The folder does not tell what the app is called. Give --app my-app.')
  const app = await findApp(session, slug)
  const platforms = options.platforms ?? findings.platforms ?? app?.platforms
  const { output } = session
  output.notice(app ? `App: ${app.slug}` : `App: ${slug}, which is made now`)
  output.notice(`Platforms: ${platforms?.join(', ') ?? 'android, ios'}`)
  const bundleId = findings.capacitor && plainText(findings.capacitor, 'appId')
  if (findings.capacitor) tellCapacitor(session, slug, findings.capacitor, app)
  await session.confirm(`Write ${path}${app ? '' : ` and create the app ${slug}`}?`)
  const made =
    app ??
    (await session.api.createApp({
      slug,
      ...given({ platforms, bundleIds: bundleId === undefined ? undefined : [bundleId] }),
    }))
  const project = await projectOf(session, made, { ...findings, platforms })
  await writeNew(path, `${JSON.stringify(project, null, 2)}\n`)
  output.result({ path, ...project }, () => output.fields({ path, ...project }))
}

/** What the update plugins of such apps need besides, which is for somebody to decide. */
function tellCapacitor({ output, context }: Session, slug: string, capacitor: CapacitorProject, app: App | undefined) {
  const appId = plainText(capacitor, 'appId')
  const webDir = plainText(capacitor, 'webDir')
  output.notice(`Capacitor: ${appId ?? 'an appId that a program works out'}, in ${capacitor.configPath}`)
  output.notice(
    webDir === undefined ? 'Releases need --bundle-dir: webDir is not there plainly.' : `Releases: of ${webDir}`,
  )
  const isKnown = appId === undefined || !app || app.bundleIds.includes(appId)
  const bundleIds = isKnown ? '' : ` --bundle-ids ${[...app.bundleIds, appId].join(',')}`
  if (isKnown && app?.checkAccess === 'open') return
  output.notice(
    `Plugins of Capgo and Capawesome send no key. If the app has one of them: ${context.programName} apps set ${slug} --check-access open${bundleIds}`,
  )
}

async function findApp({ api, trust }: Session, slug: string): Promise<App | undefined> {
  const { items } = await api.listApps({ limit: 200 })
  const app = items.find((each) => each.slug === slug || each.id === slug)
  if (app) trust.requireSame(app, slug)
  if (app || isSlug(slug)) return app
  throw new UsageError(`Expected the slug or id of an app, found "${slug}".`)
}

/** With the app's id and one's own key: what is signed on other machines is then for this app and by this key's word. */
async function projectOf({ context, url }: Session, app: App, { platforms, entryFile, capacitor }: Findings) {
  const key = await findSigningKey(keyPath(context, undefined))
  return {
    app: app.slug,
    appId: app.id,
    url,
    platforms: platforms ?? app.platforms,
    ...(key && { trustedKeys: [key.publicKey] }),
    ...(entryFile !== undefined && entryFile !== ENTRY_FILES[0] && !capacitor && { defaults: { entryFile } }),
  }
}

async function examine(directory: string): Promise<Findings> {
  const name = await readPackageName(directory)
  const slug = [name?.replace(/^@[^/]*\//, ''), basename(directory)]
    .map((text) => text?.toLowerCase().replace(/[^a-z0-9]+/g, '-'))
    .find((text) => text !== undefined && isSlug(text))
  const platforms: Platform[] = []
  for (const platform of ['android', 'ios'] as const) {
    if (await exists(join(directory, platform))) platforms.push(platform)
  }
  const present = await Promise.all(ENTRY_FILES.map((file) => exists(join(directory, file))))
  return {
    slug,
    platforms: platforms.length > 0 ? platforms : undefined,
    capacitor: await findCapacitorProject(directory, directory),
    entryFile: ENTRY_FILES.find((_, index) => present[index]),
  }
}

async function readPackageName(directory: string): Promise<string | undefined> {
  try {
    const { name } = readObject(JSON.parse(await readPlainText(join(directory, 'package.json'))), '')
    return typeof name === 'string' ? name : undefined
  } catch {
    return undefined // without one, or with one that is broken, the folder's name will do
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

async function writeNew(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text, { flag: 'wx' })
  } catch (cause) {
    const reason = hasCode(cause, 'EEXIST') ? 'there is one since' : systemReason(cause)
    throw new CommandError('file-unwritable', `${path} cannot be written: ${reason}.`, { cause })
  }
}
