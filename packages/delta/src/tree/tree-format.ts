/** Patches §5. */
export const MAGIC = 'HPDELTA1'
export const DIGEST_BYTES = 32
export const HEADER_BYTES = MAGIC.length + 1 + 2 * DIGEST_BYTES + 2 * 4
/** A longer list of files is no release's. */
export const MAX_INDEX_BYTES = 16 * 1024 * 1024

/** How indexes and frames are packed: RFC 1951 without any header, and RFC 7932. */
export type Packing = 'deflate' | 'brotli'
export const PACKINGS: Readonly<Record<Packing, number>> = { deflate: 1, brotli: 2 }

export const ENTRY = { kept: 0, moved: 1, new: 2, patched: 3 } as const

/** Several files whose differences are packed together: together they are no larger than this, or one file alone. */
export const FRAME_BYTES = 4 * 1024 * 1024
