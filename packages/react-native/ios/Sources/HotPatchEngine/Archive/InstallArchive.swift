/// Content §3: makes ota/pending/files out of one zip, in such an order that its marker is there only when everything else
/// is durable. Refuses what is not harmless before anything is written.
func installArchive(_ installation: Installation) throws {
  let (ports, limits, download) = (installation.ports, installation.limits, installation.download)
  let files = ports.files
  let archive = ArchiveFile(files: files, path: download.path, sizeBytes: download.sizeBytes)
  let entries = try readArchiveDirectory(archive, limits)
  try expectRoom(files, entries.reduce(0) { $0 + $1.sizeBytes }, "unpacked the bundle")
  try installation.makeWay()
  let root = Slot.pending.path
  try files.remove(root)
  try files.makeDirectory(root)
  let written = try extractInto(ports, archive, entries, root)
  try finishTree(files, root, ReleaseMarker(release: installation.release, files: written))
}
