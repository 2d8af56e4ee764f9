import { describeCrashMatrix } from '../testing/crash-matrix.ts'

await describeCrashMatrix('files', { isEveryCut: process.env.HOTPATCH_EVERY_CUT === '1' })
