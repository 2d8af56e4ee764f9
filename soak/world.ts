import type { App } from '../packages/api/src/index.ts'
import type { TestSigningKey } from '../packages/testkit/src/signing.ts'
import type { Activity } from './activity.ts'
import type { Asking } from './asking.ts'
import type { Findings } from './findings.ts'
import type { Ledger } from './ledger.ts'
import type { Site } from './machines/site.ts'
import type { Random } from './random.ts'
import type { Timeline } from './timeline.ts'

/** All that actors, faults and invariants know of a campaign. */
export interface World {
  site: Site
  ledger: Ledger
  timeline: Timeline
  findings: Findings
  activity: Activity
  asking: Asking
  random: Random
  /** Of devices: signed. */
  app: App
  /** Of which the command-line tool publishes releases. */
  toolApp: App
  key: TestSigningKey
  /** When everybody is to come to an end. */
  end: AbortSignal
}
