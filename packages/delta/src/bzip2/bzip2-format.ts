/** Twelve hexadecimal digits of π begin a block, and as many of its root end the stream. */
export const BLOCK_MAGIC = [0x314159, 0x265359] as const
export const END_MAGIC = [0x177245, 0x385090] as const
/** A block of level 9, the largest: what a level counts in. */
export const LEVEL_BYTES = 100_000
/** So many symbols are coded with one table before the next is chosen. */
export const GROUP_SYMBOLS = 50
/** A run's length in bijective base two: the first and the second digit. */
export const RUN_A = 0
export const RUN_B = 1
/** 256 bytes, one of which is coded by runs alone, two digits, and the end. */
export const MAX_SYMBOLS = 258
export const MIN_TABLES = 2
export const MAX_TABLES = 6
