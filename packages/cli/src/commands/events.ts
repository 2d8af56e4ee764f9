import { setTimeout as delay } from 'node:timers/promises'
import { ApiProblem, ServerUnreachable, type Announcement } from '@hotpatch/api'
import type { Command } from 'commander'
import { given } from '../arguments/given.ts'
import { pageQuery, serverCommand, withApp, withPage, type PageOptions } from '../arguments/shared-options.ts'
import type { CliContext } from '../process/context.ts'
import { describeError } from '../errors/describe-error.ts'
import { describeAnnouncement } from '../output/describe-announcement.ts'
import { openSession, type Session, type SessionOptions } from '../session/session.ts'

interface EventOptions extends SessionOptions, PageOptions {
  follow?: boolean
}

const MAX_DELAY_MS = 30_000

export function addEventsCommand(program: Command, context: CliContext) {
  serverCommand(program, 'events', 'shows what happened to releases and rollouts', withApp, withPage)
    .option('-f, --follow', 'show what happens from now on, until Ctrl-C; with --json one line each')
    .action((options: EventOptions) => (options.follow ? followEvents(context, options) : listEvents(context, options)))
}

async function listEvents(context: CliContext, options: EventOptions) {
  const { api, output, project } = await openSession(context, options)
  const page = await api.listAnnouncements({ ...pageQuery(options), ...given({ app: options.app ?? project?.app }) })
  output.result(page, () => {
    for (const announcement of page.items.toReversed()) output.line(describeAnnouncement(announcement))
    if (page.items.length === 0) output.notice('None.')
    if (page.nextCursor !== null) output.notice(`There are more: --cursor ${page.nextCursor}`)
  })
}

/** Until Ctrl-C, which is how it ends. */
async function followEvents(context: CliContext, options: EventOptions) {
  const session = await openSession(context, options)
  const { signal } = context
  const progress: Progress = { lastId: undefined, hasConnected: false, failures: 0 }
  while (!signal.aborted) {
    let reason = ''
    try {
      await followOnce(session, options, progress, signal)
    } catch (error) {
      if (signal.aborted) return
      // What has never worked is not tried again: the address or the token is wrong.
      if (!progress.hasConnected || !isTemporary(error)) throw error
      reason = ` (${describeError(error, context.programName).message.replace(/\.$/, '')})`
    }
    if (signal.aborted) return
    session.output.notice(`The stream broke off${reason}. Connecting again …`)
    // At once the first time: the server ends streams when it stops, and is often back.
    const delayMs = progress.failures === 0 ? 0 : Math.min(1000 * 2 ** progress.failures, MAX_DELAY_MS)
    progress.failures++
    await delay(delayMs, undefined, { signal }).catch(() => undefined) // the loop sees that it was interrupted
  }
}

interface Progress {
  lastId: string | undefined
  hasConnected: boolean
  /** Since the last connection that worked. */
  failures: number
}

async function followOnce(
  { api, output, project }: Session,
  options: EventOptions,
  progress: Progress,
  signal: AbortSignal,
) {
  const from = given({ app: options.app ?? project?.app, lastId: progress.lastId })
  for await (const event of api.streamAnnouncements({ ...from, signal })) {
    switch (event.kind) {
      case 'open':
        if (!progress.hasConnected) output.notice('Watching. Ctrl-C ends it.')
        progress.hasConnected = true
        progress.failures = 0
        break
      case 'reset':
        output.notice('More was missed than the server tells: hotpatch events shows it.')
        break
      case 'announcement':
        progress.lastId = event.announcement.id
        print(event.announcement)
    }
  }

  function print(announcement: Announcement) {
    output.line(output.isJson ? JSON.stringify(announcement) : describeAnnouncement(announcement))
  }
}

function isTemporary(error: unknown): boolean {
  if (error instanceof ServerUnreachable) return true
  return error instanceof ApiProblem && (error.status === 429 || error.status >= 500)
}
