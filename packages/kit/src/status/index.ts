export { describeKit, type ComponentStatus, type KitFacts, type KitStatus, type LastApply } from './kit-status.ts'
export { nodeKitStatus, type NodeKitStatusOptions } from './node-kit-status.ts'
export {
  createKitStatusHandler,
  createStatusAnswers,
  KIT_STATUS_PATH,
  type KitStatusHandler,
  type KitStatusOptions,
  type StatusAnswer,
} from './status-handler.ts'
