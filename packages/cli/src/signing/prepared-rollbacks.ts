import type { App, NextGuardTarget, Release } from '@hotpatch/api'
import type { Platform } from '@hotpatch/protocol'
import { CommandError } from '../errors/errors.ts'
import type { Session } from '../session/session.ts'
import { restatedContent } from './restate.ts'
import type { StatementContent } from './sign-statement.ts'
import type { SigningKeyPair } from './signing-key.ts'

export interface PreparedRollbacks {
  /** Nearest first; what is signed in advance. */
  contents: readonly StatementContent[]
  /** Why there are fewer than there could be. */
  warnings: readonly string[]
}

export interface GuardSteps {
  app: App
  platform: Platform
  channel: string
  target: NextGuardTarget
  /**
   * Of a roll-back to the first release: its guard may go on to what the binary shipped with. Of a first release none is
   * prepared, since devices go there anyway.
   */
  endsAtEmbedded?: boolean
}

/** These say that nothing can be signed in advance, not that somebody lies. */
const HARMLESS = ['never-signed', 'below-floor']

/**
 * Where a guard may go back to, stated again in advance. The server says which releases these are, and so no more is
 * signed than what a trusted key signed before and no floor bars.
 * @param backTo the version that it must be, when the user named one
 * @param newFloor of the release that is published with it
 * @throws CommandError
 */
export async function prepareRollbacks(
  session: Session,
  { app, platform, channel, target, endsAtEmbedded = false }: GuardSteps,
  key: SigningKeyPair,
  { backTo, newFloor }: { backTo: string | undefined; newFloor: number },
): Promise<PreparedRollbacks> {
  const floor = Math.max(newFloor, session.trust.highestFloor(app.id, platform))
  const contents: StatementContent[] = []
  for (const [index, release] of stepsOf(target, endsAtEmbedded).entries()) {
    // There is nothing that an installation of a kit shipped with.
    if (!release && target.release?.content.kind === 'kit') break
    // Back to the binary's own bundle, past every floor, is for a person to decide.
    if (!release && floor > 0) break
    try {
      const version = index === 0 ? backTo : undefined
      const old = { app, platform, channel, release: release ?? undefined, version }
      contents.push(await restatedContent(session, old, key, { floor: newFloor }))
    } catch (error) {
      if (!(error instanceof CommandError && HARMLESS.includes(error.type))) throw error
      return { contents, warnings: [`Not signed in advance: ${error.message}`] }
    }
  }
  return { contents, warnings: [] }
}

/** The release before and the one before that; in its place, what the binary shipped with. */
function stepsOf({ release, earlier }: NextGuardTarget, endsAtEmbedded: boolean): (Release | null)[] {
  if (release) return [release, earlier ?? null]
  return endsAtEmbedded ? [null] : []
}
