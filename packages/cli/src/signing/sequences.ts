import { ApiProblem, type App } from '@hotpatch/api'
import type { Platform } from '@hotpatch/protocol'
import { CommandError } from '../errors/errors.ts'
import type { Session } from '../session/session.ts'
import { verifyOldStatement } from './verify-statement.ts'

/** How far above what is known the server's next sequence may be: other publishers' releases and roll-backs of a while. */
export const MAX_SEQUENCE_JUMP = 1000

export interface SequencePlace {
  app: Pick<App, 'id' | 'slug'>
  platform: Platform
  /** Keys whose statements count as known. */
  publicKeys: readonly string[]
}

/**
 * The next sequence, as the server has it, within what can be believed. A device never again takes anything below a
 * sequence that it ran: a server that may name any number could bar devices from every later release.
 * @throws CommandError sequence-jump or sequence-behind
 */
export async function findNextSequence(
  session: Session,
  place: SequencePlace,
  { allowSequenceJump = false }: { allowSequenceJump?: boolean | undefined } = {},
): Promise<number> {
  const { api, trust, context } = session
  const { app, platform } = place
  const { nextSequence: next, taken, told } = await api.getNextSequence(app.id, platform)
  if (told?.believed) {
    session.output.notice(
      `Devices have confirmed sequence ${told.believed}, and this server knows of ${taken} only, as after an older backup ` +
        `was restored: this takes ${next}. See: ${context.programName} doctor`,
    )
  }
  if (!Number.isSafeInteger(next) || next < 1) {
    const message = `The next sequence of ${app.slug}: expected a whole number, found ${JSON.stringify(next)}.`
    throw new CommandError('sequence-unreadable', message)
  }
  const remembered = trust.highestSequence(app.id, platform)
  if (next <= remembered) {
    const message = `The server's next sequence of ${app.slug} for ${platform} is ${next}, but ${remembered} was taken before.`
    const advice =
      'Devices that took that one refuse what is lower. Was the server restored from a backup? Have it go on above: ' +
      `${context.programName} apps set ${app.slug} --platform ${platform} --next-sequence ${remembered + 1}`
    throw new CommandError('sequence-behind', `${message} ${advice}`)
  }
  if (next <= remembered + MAX_SEQUENCE_JUMP || allowSequenceJump) return next
  // Others may have published much since.
  const known = Math.max(remembered, await findNewestVerified(session, place))
  if (next <= known + MAX_SEQUENCE_JUMP) return next
  const newest =
    known === 0 ? 'it shows no statement that you can verify' : `the newest that you can verify is ${known}`
  const message = `The server's next sequence of ${app.slug} for ${platform} is ${next}: expected at most ${known + MAX_SEQUENCE_JUMP}, as ${newest}.`
  const advice =
    'A device that ran it never takes a lower one again. If you know that it is right, add --allow-sequence-jump.'
  throw new CommandError('sequence-jump', `${message} ${advice}`)
}

/** Of the newest release that the server has, by its statement; 0 when there is none that can be verified. */
async function findNewestVerified(session: Session, { app, platform, publicKeys }: SequencePlace): Promise<number> {
  const { items } = await session.api.listReleases(app.id, { platform, limit: 1 })
  const [newest] = items
  if (!newest) return 0
  try {
    return verifyOldStatement(newest, { appId: app.id, platform }, publicKeys).statement.sequence
  } catch (error) {
    if (error instanceof CommandError) return 0
    throw error
  }
}

/** Each loss is another publisher's success; nobody has so many of them at one moment. */
const MAX_LOST_RACES = 20

/**
 * Signs under the sequence that was planned and sends. When somebody else took it in the meantime, again with the next:
 * what is sent is a statement and no bundle, so that losing costs little.
 */
export async function withSequence<T>(
  planned: number,
  findNext: () => Promise<number>,
  send: (sequence: number) => Promise<T>,
): Promise<T> {
  let sequence = planned
  for (let lost = 0; ; lost += 1) {
    try {
      return await send(sequence)
    } catch (error) {
      if (!(error instanceof ApiProblem && error.type === 'sequence-taken') || lost === MAX_LOST_RACES) throw error
    }
    sequence = await findNext()
  }
}
