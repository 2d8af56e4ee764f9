/** Engine §1: where things are in the app's private folder. */
export const ROOT = 'ota'
export const PENDING = 'ota/pending'
export const METADATA = 'ota/metadata.json'
export const CRASH_COUNT = 'ota/crash_count.json'
export const OUTBOX = 'ota/outbox.json'
export const CREDENTIAL = 'ota/credential.json'
/** What was heard of the edge: its keys, and its newest words. */
export const EDGE = 'ota/edge.json'
/** The files that the binary shipped with, hashed once. */
export const EMBEDDED = 'ota/embedded.json'
export const PENDING_ZIP = 'ota/pending/bundle.zip'
export const PENDING_DOWNLOAD = 'ota/pending/download.json'
/** What makes a release out of what lies here. */
export const PENDING_PATCH = 'ota/pending/patch'
export const PENDING_PATCH_DOWNLOAD = 'ota/pending/patch.json'
/** What came out of an encrypted bundle, or of an encrypted patch. */
export const PENDING_OPENED = 'ota/pending/opened.zip'
export const PENDING_OPENED_PATCH = 'ota/pending/opened-patch'
/** A tree that is being made, file by file; and one that was, when another release came. */
export const PENDING_TREE = 'ota/pending/tree'
export const PENDING_BEFORE = 'ota/pending/before'
/** Large files that have not come whole. */
export const PENDING_PARTS = 'ota/pending/parts'

/** Whatever is in ota/pending but a staged release. */
export const LEFT_OVER = [
  PENDING_DOWNLOAD,
  PENDING_ZIP,
  PENDING_PATCH_DOWNLOAD,
  PENDING_PATCH,
  PENDING_OPENED,
  PENDING_OPENED_PATCH,
  PENDING_TREE,
  PENDING_BEFORE,
  PENDING_PARTS,
] as const

/** Directories that can hold a whole release. */
export const SLOTS = {
  bundle: 'ota/bundle',
  previous: 'ota/previous',
  pending: 'ota/pending/files',
} as const

export type Slot = keyof typeof SLOTS

/** In every release directory: what it holds. Written last, so a directory without it is never started. */
export const MARKER = '.hotpatch.json'
