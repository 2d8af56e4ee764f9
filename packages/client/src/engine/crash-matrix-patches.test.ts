import { describeCrashMatrix } from '../testing/crash-matrix.ts'

await describeCrashMatrix('archive', { isPatched: true, isEveryCut: process.env.HOTPATCH_EVERY_CUT === '1' })
