export { READING_LIMITS, type ReadingLimits } from './application.ts'
export { iconType } from './picture.ts'
export { readBinary, type ReadBinary } from './read-binary.ts'
