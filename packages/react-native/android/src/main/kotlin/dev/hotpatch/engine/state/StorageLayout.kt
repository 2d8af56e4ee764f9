package dev.hotpatch.engine.state

/* Engine §1: where things are in the app's private folder. */

const val ROOT = "ota"
const val PENDING = "ota/pending"
const val METADATA = "ota/metadata.json"
const val CRASH_COUNT = "ota/crash_count.json"
const val OUTBOX = "ota/outbox.json"
const val CREDENTIAL = "ota/credential.json"

/** What was heard of the edge: its keys, and its newest words. */
const val EDGE = "ota/edge.json"

/** The files that the binary shipped with, hashed once. */
const val EMBEDDED = "ota/embedded.json"
const val PENDING_ZIP = "ota/pending/bundle.zip"
const val PENDING_DOWNLOAD = "ota/pending/download.json"

/** What makes a release out of what lies here. */
const val PENDING_PATCH = "ota/pending/patch"
const val PENDING_PATCH_DOWNLOAD = "ota/pending/patch.json"

/** What came out of an encrypted bundle, or of an encrypted patch. */
const val PENDING_OPENED = "ota/pending/opened.zip"
const val PENDING_OPENED_PATCH = "ota/pending/opened-patch"

/** A tree that is being made, file by file; and one that was, when another release came. */
const val PENDING_TREE = "ota/pending/tree"
const val PENDING_BEFORE = "ota/pending/before"

/** Large files that have not come whole. */
const val PENDING_PARTS = "ota/pending/parts"

/** Whatever is in ota/pending but a staged release. */
val LEFT_OVER = listOf(
  PENDING_DOWNLOAD,
  PENDING_ZIP,
  PENDING_PATCH_DOWNLOAD,
  PENDING_PATCH,
  PENDING_OPENED,
  PENDING_OPENED_PATCH,
  PENDING_TREE,
  PENDING_BEFORE,
  PENDING_PARTS,
)

/** Directories that can hold a whole release. */
enum class Slot(val path: String) {
  BUNDLE("ota/bundle"),
  PREVIOUS("ota/previous"),
  PENDING_FILES("ota/pending/files"),
}

/** In every release directory: what it holds. Written last, so a directory without it is never started. */
const val MARKER = ".hotpatch.json"
