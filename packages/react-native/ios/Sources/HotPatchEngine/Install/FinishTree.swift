/// Engine §1: marks a tree as this release, when all its files are durable, and only after its folders are, too.
func finishTree(_ files: FilesPort, _ root: String, _ marker: ReleaseMarker) throws {
  for directory in directoriesOf(marker.files) { try files.syncDirectory(root + directory) }
  try files.syncDirectory(StorageLayout.pending)
  try writeMarker(files, root, marker)
}

/// What was made in ota/pending/tree, file by file, becomes what is staged.
func takeTree(_ files: FilesPort, _ marker: ReleaseMarker, makeWay: () throws -> Void) throws {
  try finishTree(files, StorageLayout.pendingTree, marker)
  // Until here what was staged could still be started.
  try makeWay()
  try files.remove(Slot.pending.path)
  try files.rename(StorageLayout.pendingTree, to: Slot.pending.path)
  try files.syncDirectory(StorageLayout.pending)
}

/// Of everything that was written: each with a leading "/", deepest first; "" is the root itself.
private func directoriesOf(_ written: [ReleaseFile]) -> [String] {
  var seen: Set<ExactText> = [ExactText("")]
  var all = [""]
  for file in written {
    var directory = parentOf(file.path)
    while !directory.isEmpty, seen.insert(ExactText("/" + directory)).inserted {
      all.append("/" + directory)
      directory = parentOf(directory)
    }
  }
  // The order of those of one length is that in which they were met.
  return all.enumerated()
    .sorted { ($0.element.utf16.count, $1.offset) > ($1.element.utf16.count, $0.offset) }
    .map(\.element)
}
