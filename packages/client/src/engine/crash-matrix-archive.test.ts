import { describeCrashMatrix } from '../testing/crash-matrix.ts'

await describeCrashMatrix('archive', { isEveryCut: process.env.HOTPATCH_EVERY_CUT === '1' })
