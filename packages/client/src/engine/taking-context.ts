import type { FailureMemory } from './failure-memory.ts'
import type { UpdateFlowContext } from './flow-context.ts'
import type { UpdateWay } from './update-way.ts'

/** What the halves that take an update work with: also how far it is, and what went wrong before. */
export interface TakingContext extends UpdateFlowContext {
  way: UpdateWay
  failures: FailureMemory
}
