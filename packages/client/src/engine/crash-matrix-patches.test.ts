import { describeCrashMatrix } from '../testing/crash-matrix.ts'

await describeCrashMatrix('archive', { isPatched: true })
