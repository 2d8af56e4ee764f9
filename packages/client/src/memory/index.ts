export {
  createMemoryFiles,
  PowerCutError,
  type MemoryFiles,
  type MemoryFilesOptions,
  type Survival,
} from './memory-files.ts'
export { createVirtualClock, type VirtualClock } from './virtual-clock.ts'
