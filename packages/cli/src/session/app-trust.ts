import type { App } from '@hotpatch/api'
import type { Platform, ReleaseStatement } from '@hotpatch/protocol'
import { isSlug } from '../arguments/readers.ts'
import type { Project } from '../config/project-file.ts'
import type { CliContext } from '../process/context.ts'
import { CommandError } from '../errors/errors.ts'
import { changeTrust, highestOf, knownApp, readAppId, readTrust, trustPath, type Trust } from '../config/trust-file.ts'

/** How an app came to be known: the project file names its id, it was used before, or this is the first time. */
export type Acquaintance = 'project' | 'remembered' | 'first-use'

export type AppTrust = ReturnType<typeof createAppTrust>

/** What the user has accepted of servers and apps. What a server says is held against it before anything is signed. */
export async function openAppTrust(context: CliContext, project: Project | undefined, url: string) {
  const path = trustPath(context.env)
  return createAppTrust({ path, programName: context.programName, project, url, trust: await readTrust(path) })
}

function createAppTrust({
  path,
  programName,
  project,
  url,
  ...given
}: {
  path: string
  programName: string
  project: Project | undefined
  url: string
  trust: Trust
}) {
  let { trust } = given

  /**
   * Nothing about an app that the server shows in place of another.
   * @param named what the user called it; undefined when the server chose
   * @throws CommandError app-changed
   */
  function requireSame(app: App, named: string | undefined): Acquaintance {
    readAppId(app.id, '/id')
    if (!isSlug(app.slug)) throw changed('a slug', 'something else')
    if (named !== undefined && named !== app.slug && named !== app.id) throw changed(named, app.slug)
    const slugs = trust.servers.get(url)
    const remembered = slugs?.get(app.slug)
    if (remembered !== undefined && remembered !== app.id) {
      throw changed(`the id ${remembered} for ${app.slug}, as before`, app.id)
    }
    if (project?.appId !== undefined && isOfProject(named) !== (app.id === project.appId)) {
      throw isOfProject(named)
        ? changed(`the id ${project.appId} of ${project.path}`, app.id)
        : changed(`an id of its own for ${app.slug}`, `that of ${project.path}`)
    }
    if (remembered !== undefined) return 'remembered'
    if (app.id === project?.appId) return 'project'
    const other = findAddress(app.id)
    if (other) throw changed(`an id of its own for ${app.slug}`, `${app.id}, which is ${other}`)
    if (named === undefined && slugs !== undefined && slugs.size > 0) {
      throw changed(`one of the apps that you signed for here, ${[...slugs.keys()].join(', ')}`, app.slug)
    }
    return 'first-use'
  }

  /** The project file speaks of its own app, not of every app that is named with --app. */
  function isOfProject(named: string | undefined): boolean {
    return named === undefined || named === project?.app || named === project?.appId
  }

  function findAddress(appId: string): string | undefined {
    for (const [server, slugs] of trust.servers) {
      for (const [slug, id] of slugs) if (id === appId) return `${slug} on ${server}`
    }
    return undefined
  }

  function changed(expected: string, found: string) {
    const message = `${url}: expected ${expected}, found ${found}. Nothing was signed.`
    const advice = `If that is right (the server moved, or the app was made anew), accept it: ${programName} trust app`
    return new CommandError('app-changed', `${message} ${advice}`)
  }

  /** Keys of others whose statements may be stated again. */
  function publicKeysFor(appId: string): readonly string[] {
    const ofProject = project?.appId === appId ? (project.trustedKeys ?? []) : []
    return [...ofProject, ...(trust.apps.get(appId)?.keys ?? [])]
  }

  async function change(edit: (trust: Trust) => void): Promise<void> {
    trust = await changeTrust(path, edit)
  }

  return {
    path,
    requireSame,
    acquaintanceOf: (app: App) => requireSame(app, app.id),
    publicKeysFor,
    change,

    /** Its token goes there from now on, and the app keeps its id. */
    accept: (app: App) =>
      change((trust) => {
        const slugs = trust.servers.get(url) ?? new Map<string, string>()
        trust.servers.set(url, slugs.set(app.slug, app.id))
        knownApp(trust, app.id)
      }),

    highestSequence: (appId: string, platform: Platform) => highestOf(trust.apps.get(appId)?.sequences, platform),
    highestFloor: (appId: string, platform: Platform) => highestOf(trust.apps.get(appId)?.floors, platform),

    /** Of a statement that was verified, or that a server took. */
    remember: ({
      appId,
      platform,
      sequence,
      floor,
    }: Pick<ReleaseStatement, 'appId' | 'platform' | 'sequence' | 'floor'>) =>
      change((trust) => {
        const { sequences, floors } = knownApp(trust, appId)
        sequences.set(platform, Math.max(sequences.get(platform) ?? 0, sequence))
        floors.set(platform, Math.max(floors.get(platform) ?? 0, floor))
      }),
  }
}
