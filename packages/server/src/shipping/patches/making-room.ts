/** Patches §6. */
const MAX_MEMORY_BYTES = 384 * 1024 * 1024
/** Of what is free: devices are served meanwhile. */
const SEARCH_SHARE = 1 / 2
/** A file that is made, or a patch, is there several times over for a moment: as it is read, put together and packed. */
const HELD_SHARE = 1 / 8

/** How much memory making a patch may take. */
export interface MakingRoom {
  /** To find what differs. */
  maxMemoryBytes: number
  /** Of one thing that is held. */
  maxHeldBytes: number
}

/**
 * On a small machine less than elsewhere: a process that the system ends for its memory would begin with the same patch
 * again, and end again.
 */
export function makingRoom(freeBytes: number = process.availableMemory()): MakingRoom {
  return {
    maxMemoryBytes: Math.min(MAX_MEMORY_BYTES, Math.floor(freeBytes * SEARCH_SHARE)),
    maxHeldBytes: Math.floor(freeBytes * HELD_SHARE),
  }
}
