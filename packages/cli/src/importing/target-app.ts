import type { App, NewApp } from '@hotpatch/api'
import type { Platform } from '@hotpatch/protocol'
import { isSlug } from '../arguments/readers.ts'
import { CommandError } from '../errors/errors.ts'
import { formatList } from '../output/text.ts'
import type { Session, SessionOptions } from '../session/session.ts'

/** Where releases of elsewhere go. */
export interface TargetApp {
  slug: string
  /** Undefined: it is made with the import. */
  app: App | undefined
  make: NewApp
}

/**
 * The app that is meant, or, where the server does not have the one that is named, what is to be made.
 * @param settings of one that is made
 */
export async function findTarget(
  session: Session,
  { app: option }: Pick<SessionOptions, 'app'>,
  platforms: readonly Platform[],
  settings: Omit<NewApp, 'slug' | 'platforms'>,
): Promise<TargetApp> {
  const { project, context } = session
  const named = option ?? project?.app
  const make = (slug: string): NewApp => ({ slug, platforms: [...platforms], ...settings })
  const app = await session.chooseApp().catch((error: unknown) => {
    const isMissing = error instanceof CommandError && error.type === 'app-not-found'
    if (isMissing && named !== undefined && isSlug(named)) return undefined
    throw error
  })
  if (!app) return { slug: named ?? '', app, make: make(named ?? '') }
  const missing = platforms.filter((platform) => !app.platforms.includes(platform))
  if (missing.length > 0) {
    const all = [...app.platforms, ...missing].join(',')
    const advice = `Add it: ${context.programName} apps set ${app.slug} --platforms ${all}`
    throw new CommandError('platform-not-found', `${app.slug} is not for ${formatList(missing)}. ${advice}`)
  }
  if (app.signing === 'required') {
    const message = `${app.slug} takes signed releases only, and what other servers have kept is not signed for it.`
    const advice = `Name an app of its own for these clients, who look at no statement: --app ${app.slug}-2`
    throw new CommandError('signing-required', `${message} ${advice}`)
  }
  return { slug: app.slug, app, make: make(app.slug) }
}

export async function makeTarget({ api }: Session, { app, make }: TargetApp): Promise<App> {
  return app ?? api.createApp(make)
}

/** Those of `names` that the app lacks; a new one has the usual three. */
export async function missingChannels({ api }: Session, app: App | undefined, names: readonly string[]) {
  const there = app ? (await api.listChannels(app.id)).items.map(({ name }) => name) : NEW_APPS_CHANNELS
  return [...new Set(names)].filter((name) => !there.includes(name))
}

const NEW_APPS_CHANNELS: readonly string[] = ['production', 'staging', 'beta']

export async function makeChannels(session: Session, app: App, names: readonly string[]): Promise<void> {
  for (const name of await missingChannels(session, app, names)) await session.api.createChannel(app.id, { name })
}
