export { READING_LIMITS, type ReadingLimits } from './application.ts'
export {
  compareWithTyped,
  FAMILIES,
  isOf,
  OBJECTIONS,
  objectionsTo,
  type Objection,
  type ObjectionName,
  type ReadFile,
} from './objections.ts'
export {
  readEmbeddedUpdate,
  type ReadEmbeddedFiles,
  type ReadEmbeddedUpdate,
  type ReadExpoUpdate,
} from './embedded/read-embedded-update.ts'
export { iconType } from './picture.ts'
export { readBinary, type ReadBinary } from './read-binary.ts'
