import { ApiProblem } from '../../packages/api/src/management-client.ts'
import { describeError, GaveUp } from '../asking.ts'
import type { World } from '../world.ts'

/** What was given up or refused is said, and whoever did it goes on with something else. @throws what nobody expected */
export function noteGivenUp({ findings, end }: World, error: unknown): void {
  if (!(error instanceof GaveUp) && !(error instanceof ApiProblem)) throw error
  const invariant = error instanceof GaveUp ? 'comes-back' : 'no-internal-error'
  const about = error instanceof ApiProblem ? ` ${JSON.stringify(error.document)}` : ''
  findings.expectThat(invariant, end.aborted && error instanceof GaveUp, () => `${describeError(error)}${about}`)
}
