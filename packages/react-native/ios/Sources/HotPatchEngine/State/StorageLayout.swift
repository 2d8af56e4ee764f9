/// Engine §1: where things are in the app's private folder.
enum StorageLayout {
  static let root = "ota"
  static let pending = "ota/pending"
  static let metadata = "ota/metadata.json"
  static let crashCount = "ota/crash_count.json"
  static let outbox = "ota/outbox.json"
  static let credential = "ota/credential.json"
  /// What was heard of the edge: its keys, and its newest words.
  static let edge = "ota/edge.json"
  /// The files that the binary shipped with, hashed once.
  static let embedded = "ota/embedded.json"
  static let pendingZip = "ota/pending/bundle.zip"
  static let pendingDownload = "ota/pending/download.json"
  /// What makes a release out of what lies here.
  static let pendingPatch = "ota/pending/patch"
  static let pendingPatchDownload = "ota/pending/patch.json"
  /// What came out of an encrypted bundle, or of an encrypted patch.
  static let pendingOpened = "ota/pending/opened.zip"
  static let pendingOpenedPatch = "ota/pending/opened-patch"
  /// A tree that is being made, file by file; and one that was, when another release came.
  static let pendingTree = "ota/pending/tree"
  static let pendingBefore = "ota/pending/before"
  /// Large files that have not come whole.
  static let pendingParts = "ota/pending/parts"

  /// Whatever is in ota/pending but a staged release. The last two are of releases of files, which other SDKs take.
  static let leftOver = [
    pendingDownload, pendingZip, pendingPatchDownload, pendingPatch, pendingOpened, pendingOpenedPatch, pendingTree,
    pendingBefore, pendingParts,
  ]

  /// In every release directory: what it holds. Written last, so a directory without it is never started.
  static let marker = ".hotpatch.json"
}

/// Directories that can hold a whole release.
enum Slot: String, CaseIterable {
  case bundle, previous, pending

  var path: String {
    switch self {
    case .bundle: return "ota/bundle"
    case .previous: return "ota/previous"
    case .pending: return "ota/pending/files"
    }
  }
}
