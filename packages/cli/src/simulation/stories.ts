import type { App, Rollout } from '@hotpatch/api'
import { SDK_CODES, type Platform, type SdkCode } from '@hotpatch/protocol'
import { createFleet, type FleetFigures, type FleetOptions } from '@hotpatch/simulator'
import { Option, type Command } from 'commander'
import { withGroup } from '../arguments/shared-options.ts'
import type { CliContext } from '../process/context.ts'
import { CommandError, UsageError } from '../errors/errors.ts'
import { formatCount } from '../output/text.ts'
import { describeWayOut, impactLines } from '../release/change-impact.ts'
import type { Session } from '../session/session.ts'
import { createSigningKey } from '../signing/signing-key.ts'
import { chartOf } from './fleet-progress.ts'
import { createStage, STORY_CHANNEL, type StoryPlace, type StoryStage, type StoryWhy } from './story-stage.ts'

/** Options about mistakes that are made and undone. */
export interface StoryFlags {
  story?: string
}

interface Ending {
  /** What every phone should run at the end. */
  expected: string
  /** What was said of one phone when it got nothing, and should not have been told otherwise. */
  why: StoryWhy
}

interface Story {
  title: string
  tell(stage: StoryStage, say: (text: string) => void): Promise<Ending>
}

const STORIES: Readonly<Record<string, Story>> = {
  'undone-rollback': { title: 'a roll-back to embedded that was a mistake', tell: undoRollback },
  'undone-promote': { title: 'two promotions that were a mistake', tell: undoPromotion },
  'new-key': { title: 'a new key, which the binaries out there do not hold', tell: signWithNewKey },
}

export function withStories(command: Command): Command {
  return withGroup(command, 'Mistakes that are undone, in an app that is made for it, instead of a fleet:', (grouped) =>
    grouped.addOption(
      new Option('--story <name>', 'which, or all of them; --minutes is how long each part of it takes').choices([
        ...Object.keys(STORIES),
        'all',
      ]),
    ),
  )
}

interface StoryOptions extends StoryFlags {
  devices: number
  minutes: number
  checkInterval: number
  platform?: Platform
}

interface ToldStory {
  story: string
  app: string
  steps: string[]
  devices: number
  expected: string
  versions: Record<string, number>
  /** How often a phone refused what it was offered. */
  refused: number
  failures: Record<string, number>
  why: StoryWhy
  solved: boolean
}

/** Tells them one after the other, and fails when one does not end well. */
export async function simulateStories(
  context: CliContext,
  session: Session,
  options: StoryOptions,
  fleetOf: (app: App) => Promise<FleetOptions>,
): Promise<void> {
  const { output } = session
  const { minutes, checkInterval } = options
  if (minutes < 2 * checkInterval) {
    throw new UsageError(
      `Each part of a story takes ${minutes} minutes, and the phones open the app every ${checkInterval}: ` +
        `give at least --minutes ${2 * checkInterval}, or a shorter --check-interval.`,
    )
  }
  const named = options.story === 'all' ? Object.keys(STORIES) : [options.story ?? '']
  const told: ToldStory[] = []
  for (const name of named) {
    told.push(await tellStory(context, session, name, options, fleetOf))
    if (context.signal.aborted) return output.notice('Interrupted: the story was not told to its end.')
  }
  output.result(told, () => {
    for (const each of told) showStory(session, each)
  })
  const unsolved = told.filter(({ solved }) => !solved).map(({ story }) => story)
  if (unsolved.length > 0) throw new CommandError('story-unsolved', `It did not end well: ${unsolved.join(', ')}.`)
}

async function tellStory(
  context: CliContext,
  session: Session,
  name: string,
  { devices, minutes, platform = 'android' }: StoryOptions,
  fleetOf: (app: App) => Promise<FleetOptions>,
): Promise<ToldStory> {
  const { title, tell } = STORIES[name] as Story
  const slug = `story-${name}-${context.now().getTime().toString(36)}`
  const app = await session.api.createApp({ slug, name: `Story: ${title}`, platforms: [platform] })
  session.output.notice(`Story: ${title}. It is played in an app of its own, ${slug}, which stays on the server.`)
  const steps: string[] = []
  const say = (text: string) => {
    steps.push(text)
    session.output.notice(`${steps.length}. ${text}`)
  }
  let figures: FleetFigures | undefined
  const place: StoryPlace = {
    app,
    platform,
    chapterMs: minutes * 60_000,
    createFleet: async (now) => createFleet(await fleetOf(now)),
    onChapter: (found) => {
      figures = found
      say(`${formatCount(devices, 'phone')} lived ${formatHours(minutes)}: ${chartOf(found)}`)
    },
  }
  const { expected, why } = await tell(await createStage(session, place), say)
  const { versions = {}, failures = {}, uninstalled = 0 } = figures ?? {}
  const refused = refusalsOf(failures)
  const solved = refused === 0 && (versions[expected] ?? 0) === devices - uninstalled
  return { story: name, app: slug, steps, devices, expected, versions, refused, failures, why, solved }
}

async function undoRollback(stage: StoryStage, say: (text: string) => void): Promise<Ending> {
  await stage.publish('1.0.0')
  const current = await stage.publish('1.1.0')
  say('1.0.0 and 1.1.0 are published.')
  await stage.live()
  const mistake = await stage.toEmbedded()
  say('Everybody is sent back to what the binary shipped with: a mistake.')
  await stage.live()
  const why = await haltAlone(stage, say, mistake, current)
  await stage.stateAgain(current)
  say('1.1.0 is stated again under the next sequence, and placed on top.')
  await stage.live()
  return { expected: '1.1.0', why }
}

/** From one step back, phones find their own way: they still hold what they ran before. From two, only to embedded. */
async function undoPromotion(stage: StoryStage, say: (text: string) => void): Promise<Ending> {
  await stage.publish('1.0.0')
  const current = await stage.publish('1.1.0')
  say(`1.0.0 and 1.1.0 are published on ${STORY_CHANNEL}.`)
  await stage.live()
  const mistakes = []
  for (const version of ['2.0.0', '2.0.1']) {
    const release = await stage.publish(version, { channel: 'beta' })
    mistakes.push(await stage.promote(release))
    say(`${version} is promoted from beta to ${STORY_CHANNEL}: a mistake${version === '2.0.1' ? ', too' : ''}.`)
    await stage.live()
  }
  const [first, second] = mistakes as [Rollout, Rollout]
  await stage.halt(first)
  say('2.0.0 is halted, which changes nothing: 2.0.1 lies above it.')
  const why = await haltAlone(stage, say, second, current)
  await stage.stateAgain(current)
  say('1.1.0 is stated again under the next sequence, and placed on top.')
  await stage.live()
  return { expected: '1.1.0', why }
}

/** What the server says beforehand, what comes of it, and what it says of a phone then. */
async function haltAlone(
  stage: StoryStage,
  say: (text: string) => void,
  mistake: { id: string },
  current: { releaseId: string },
): Promise<StoryWhy> {
  const impact = await stage.impact({ change: 'halt', rolloutId: mistake.id })
  const lines = Object.entries(impactLines(impact)).map(([name, text]) => `${name}: ${text}.`)
  const wayOut = impact?.wayOut ? [`Way out: ${describeWayOut(impact.wayOut)}.`] : []
  say(['Asked beforehand what halting it would do:', ...lines, ...wayOut].join(' '))
  await stage.halt(mistake)
  say('It is halted all the same, and nothing more is done.')
  await stage.live()
  return sayWhy(say, await stage.why(current))
}

async function signWithNewKey(stage: StoryStage, say: (text: string) => void): Promise<Ending> {
  await stage.publish('1.0.0')
  say('1.0.0 is published.')
  await stage.live()
  const added = createSigningKey('a second key of this story')
  const impact = await stage.impact({ change: 'add-key', publicKey: added.publicKey })
  const cannot = impact?.cannotTake.reduce((sum, { devices }) => sum + devices, 0) ?? 0
  say(`Asked beforehand, ${formatCount(cannot, 'phone')} could not take what the new key signs.`)
  await stage.addKey(added)
  const refused = await stage.publish('2.0.0', { by: added })
  say('The key is added all the same, and 2.0.0 published with it.')
  await stage.live()
  const why = sayWhy(say, await stage.why(refused))
  await stage.publish('2.0.1')
  say('2.0.1 is published with the old key.')
  await stage.live()
  return { expected: '2.0.1', why }
}

function sayWhy(say: (text: string) => void, why: StoryWhy): StoryWhy {
  say(`"why" of ${why.device} says: ${why.answer}`)
  return why
}

/** What the device itself decided against: neither its network nor what it ran. */
function refusalsOf(failures: Record<string, number>): number {
  return Object.entries(failures)
    .filter(([code]) => {
      const known = SDK_CODES[code as SdkCode] as (typeof SDK_CODES)[SdkCode] | undefined
      return !known || (!known.isRetryable && !known.blamesRelease)
    })
    .reduce((sum, [, count]) => sum + count, 0)
}

function showStory({ output }: Session, told: ToldStory): void {
  const { story, app, devices, versions, refused, expected, why, solved, failures } = told
  output.fields({
    story: `${story}: ${STORIES[story]?.title}`,
    app,
    phones: devices,
    refused: refused === 0 ? '0: no phone was offered what it would refuse' : `${refused} times`,
    ...(Object.keys(failures).length > 0 && { failures }),
    'ended on': chartOf({ versions, devices }),
    'was to end on': expected,
    'while it was stuck, why said': why.answer,
    'what would have to change': why.changes.join(' '),
    solved: solved ? 'yes' : 'no',
  })
  output.line('')
}

function formatHours(minutes: number): string {
  return `${Number((minutes / 60).toFixed(1))} h`
}
