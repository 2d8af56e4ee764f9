export type { ApplyOutcome, RecoveryOutcome } from './applying/apply-outcome.ts'
export type { OpenApply } from './applying/coordinator.ts'
export { nodeProcess } from './applying/node-process.ts'
export { KIT_STATES, KIT_TRANSITIONS, type KitHappening, type KitState } from './applying/kit-states.ts'
export type { ComponentAdapter, ComponentPorts, ComponentWork } from './components/component-adapter.ts'
export { examineKit, type DoctorPorts, type KitFinding } from './doctor/examine-kit.ts'
export type { HookCommand, HookOutcome, HooksPort } from './ground/hooks.ts'
export type { FileRights, KitDisk } from './ground/kit-disk.ts'
export { KIT_CODES, KitError, type KitCode } from './ground/kit-error.ts'
export { createNodeDisk } from './ground/node-disk.ts'
export type * from './installation/installation.ts'
export { describeFailed, isTriedAgain, type FailedRelease } from './keeping/failed-releases.ts'
export type { KitPorts } from './kit/kit-parts.ts'
export type {
  ApplyOptions,
  AskOptions,
  Consent,
  Kit,
  KitApply,
  KitCheck,
  KitOptions,
  KitStatus,
  Planned,
} from './kit/kit.ts'
export { openKit } from './kit/open-kit.ts'
export type { ArtifactSource, KitOffer } from './offers/kit-offer.ts'
export { describePlan, planAsJson, type PlanJson } from './planning/describe-plan.ts'
export type { KitPlan, KitStep } from './planning/kit-plan.ts'
