import { cp, mkdir } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import type { App, PublishedRelease } from '@hotpatch/api'
import { EXPO_CONFIG } from '@hotpatch/protocol'
import type { KeyOptions } from '../arguments/shared-options.ts'
import { withTemporary } from '../content/temporary-folder.ts'
import { CommandError, UsageError } from '../errors/errors.ts'
import { formatBytes, formatCount, formatList } from '../output/text.ts'
import type { CliContext } from '../process/context.ts'
import { planRelease, type AskedRelease } from '../release/plan-release.ts'
import { publishRelease } from '../release/publish-release.ts'
import { openSession, type Session, type SessionOptions } from '../session/session.ts'
import { chooseKey, type SigningChoice } from '../signing/choose-key.ts'
import { leftOutBy, tellLeftOut } from './left-out.ts'
import { listAllRollouts } from './placed.ts'
import { readXpremHistory, XPREM_CONFIG, XPREM_OWN_FILES, type XpremUpdate } from './xprem-history.ts'

export interface ImportXpremOptions extends SessionOptions, KeyOptions {
  branch?: ReadonlyMap<string, string>
  dryRun?: boolean
}

/** An update, and what it becomes here. */
interface PlannedImport {
  update: XpremUpdate
  channel: string
  /** 0 of what was taken back later: it is kept, and nobody gets it. */
  percentage: number
  isThere: boolean
}

/** Shows what will be done, asks once, and publishes what is not there yet, oldest first. */
export async function importXprem(context: CliContext, directory: string, options: ImportXpremOptions) {
  const session = await openSession(context, options)
  if (!options.dryRun) session.requireConsent()
  const { output } = session
  const history = await readXpremHistory(resolve(context.cwd, directory))
  const app = await session.chooseApp()
  const planned = await planImports(session, app, history.updates, options)
  await requireChannels(session, app, planned)
  const signing = await chooseKey(session, app, options)
  const leftOut = [...history.leftOut]
  tellLeftOut(session, leftOut)
  const open = planned.filter(({ isThere }) => !isThere)
  tellPlan(session, planned, signing)
  const shown = planned.map(importJson)
  if (options.dryRun) return output.result({ updates: shown, leftOut }, () => output.notice('Nothing was published.'))
  if (open.length > 0) await session.confirm(`Publish ${formatCount(open.length, 'release')} for ${app.slug}?`)
  const imported: PublishedRelease[] = []
  for (const [index, each] of open.entries()) {
    try {
      imported.push(await importOne(session, app, each, { signing, options }))
      output.notice(
        `${each.update.version} for ${each.update.platform} is on ${each.channel}: ${index + 1} of ${open.length}.`,
      )
    } catch (error) {
      const { branch, runtimeVersion, id } = each.update
      const found = leftOutBy(error, join(branch, runtimeVersion, id))
      leftOut.push(found)
      tellLeftOut(session, [found])
    }
  }
  output.result({ imported, already: planned.length - open.length, leftOut }, () =>
    output.fields({
      imported: imported.length,
      'there already': planned.length - open.length,
      'left out': leftOut.length,
    }),
  )
}

async function planImports(
  { api }: Session,
  app: App,
  updates: readonly XpremUpdate[],
  { branch: channels }: ImportXpremOptions,
): Promise<PlannedImport[]> {
  const known = new Set(updates.map(({ branch }) => branch))
  const unknown = [...(channels?.keys() ?? [])].filter((branch) => !known.has(branch))
  if (unknown.length > 0) {
    throw new UsageError(`--branch: there is no branch ${formatList(unknown)}, but ${formatList([...known])}.`)
  }
  const placed = await listAllRollouts(api, app)
  const there = new Set(placed.map(({ platform, channel, version }) => nameOf(platform, channel, version)))
  const placeOf = ({ branch, runtimeVersion, platform }: XpremUpdate) => `${branch}/${runtimeVersion}/${platform}`
  // Oldest first: the last one of each place stays.
  const lastBack = new Map(updates.filter(({ kind }) => kind === 'roll-back').map((each) => [placeOf(each), each.at]))
  return updates
    .filter(({ kind }) => kind === 'update')
    .map((update) => {
      const channel = channels?.get(update.branch) ?? update.branch
      return {
        update,
        channel,
        percentage: update.at < (lastBack.get(placeOf(update)) ?? 0) ? 0 : 100,
        isThere: there.has(nameOf(update.platform, channel, update.version)),
      }
    })
}

const nameOf = (platform: string, channel: string, version: string | null) => `${platform} ${channel} ${version ?? ''}`

async function requireChannels({ api, context }: Session, app: App, planned: readonly PlannedImport[]) {
  const names = new Set((await api.listChannels(app.id)).items.map(({ name }) => name))
  const missing = [...new Map(planned.map(({ channel, update }) => [channel, update.branch]))].filter(
    ([channel]) => !names.has(channel),
  )
  const [first] = missing
  if (!first) return
  const found = formatList(missing.map(([channel]) => `"${channel}"`))
  const advice = `Make it: ${context.programName} channels create NAME, or name another: --branch ${first[1]}=production.`
  throw new CommandError('channel-not-found', `${app.slug} has no channel ${found}. ${advice}`)
}

function tellPlan({ output, context }: Session, planned: readonly PlannedImport[], signing: SigningChoice) {
  for (const { update, channel, percentage, isThere } of planned) {
    const { version, platform, runtimeVersion, branch, at, fileCount, totalBytes } = update
    const size = `${formatCount(fileCount, 'file')}, ${formatBytes(totalBytes)}`
    const state = isThere ? '; there already' : percentage === 0 ? '; for 0 %, as it was rolled back later' : ''
    const from = `of ${new Date(at).toISOString()}, branch ${branch} onto ${channel}, runtime version ${runtimeVersion}`
    output.notice(`${version} for ${platform}, ${from}, ${size}${state}.`)
  }
  if (planned.length === 0) output.notice('There is nothing to import.')
  output.notice(
    signing.kind === 'signed'
      ? `Signed by ${signing.key.fingerprint}.`
      : `Not signed: ${signing.reason}. A key: ${context.programName} keys generate.`,
  )
}

function importJson({ update, channel, percentage, isThere }: PlannedImport) {
  const { branch, runtimeVersion, platform, id, at, version, fileCount, totalBytes } = update
  const publishedAt = new Date(at).toISOString()
  const own = { branch, runtimeVersion, platform, id, publishedAt, version, fileCount, totalBytes }
  return { ...own, channel, percentage, isThere }
}

async function importOne(
  session: Session,
  app: App,
  each: PlannedImport,
  { signing, options }: { signing: SigningChoice; options: ImportXpremOptions },
): Promise<PublishedRelease> {
  const { platform } = each.update
  return withTemporary(session.context, async (temporary) => {
    const path = join(temporary, 'export')
    await copyExport(each.update, path)
    const planned = await planRelease(session, app, askedOf(each, path), {
      signing,
      temporary,
      options: { ...options, platform: [platform] },
      isOneOfSeveral: true,
      shared: undefined,
      extras: { capgoKey: undefined, rsaKey: undefined, fileSignatures: undefined },
      answerSigner: undefined,
    })
    return planned.kind === 'already' ? planned.published : publishRelease(session, planned.plan)
  })
}

function askedOf({ update, channel, percentage }: PlannedImport, path: string): AskedRelease {
  const { platform, version, runtimeVersion, notes } = update
  return {
    wishes: {
      platform,
      version,
      channel,
      percentage,
      mandatory: false,
      requirement: { runtimeVersion },
      notes,
      floor: 0,
    },
    content: { platform, projectDirectory: dirname(path), withSourceMaps: false },
    input: { kind: 'folder', path },
  }
}

/** As `expo export` wrote it, with the configuration under the name that it has here. */
async function copyExport({ directory }: XpremUpdate, path: string): Promise<void> {
  await mkdir(path)
  const isExported = (from: string) => dirname(from) !== directory || !XPREM_OWN_FILES.includes(basename(from))
  await cp(directory, path, { recursive: true, filter: isExported })
  await cp(join(directory, XPREM_CONFIG), join(path, EXPO_CONFIG)).catch(() => undefined)
}
