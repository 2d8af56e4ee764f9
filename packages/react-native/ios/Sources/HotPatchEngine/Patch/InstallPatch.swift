/// Patches §5.5: the list of files is the announced one, by its digest, before anything is written; then every file is
/// held against it, and made durable. Throws PatchError.
func installPatch(_ installation: Installation, _ base: PatchBase, tree: String) throws {
  let (ports, limits, download) = (installation.ports, installation.limits, installation.download)
  let files = ports.files
  let patch = try readTreePatch(
    TreePatchInput(
      patch: PatchSource(sizeBytes: download.sizeBytes) {
        try files.readRange(download.path, offset: $0, length: $1)
      },
      base: base.files, targetSha256: tree, sha256: ports.crypto.sha256,
      unpacking: createUnpacking(ports.unpacking, limits),
      limits: TreeLimits(maxFileBytes: limits.patchPieceBytes, maxTargetBytes: limits.unpackedBytes)))
  try expectWithinLimits(patch.files, limits)
  let sum = patch.files.reduce(0) { $0 + $1.sizeBytes }
  try expectRoom(files, sum, "what comes of the patch")
  try files.remove(StorageLayout.pendingTree)
  try files.makeDirectory(StorageLayout.pendingTree)
  try makeFolders(files, patch.files)
  for file in patch.files { try takeFromBase(ports, base, file) }
  try patch.make(
    readBase: { file in
      let sizeBytes = file.sizeBytes
      if sizeBytes > limits.patchPieceBytes {
        throw tooLarge("a base of up to \(limits.patchPieceBytes) bytes", sizeBytes)
      }
      // What cannot be read is not what the patch is for; the reader sees it.
      return (try? base.readRange(file.path, 0, sizeBytes)) ?? []
    },
    take: { file, bytes in try files.write(placeOf(file.path), bytes) })
  let made = patch.files.map { ReleaseFile(path: $0.path, sha256: $0.sha256, sizeBytes: $0.sizeBytes) }
  let marker = ReleaseMarker(release: installation.release, files: made)
  try takeTree(files, marker, makeWay: installation.makeWay)
}

private func makeFolders(_ files: FilesPort, _ patched: [PatchedFile]) throws {
  var made: Set<ExactText> = []
  for file in patched {
    let folder = parentOf(placeOf(file.path))
    if made.insert(ExactText(folder)).inserted { try files.makeDirectory(folder) }
  }
}

private func takeFromBase(_ ports: Ports, _ base: PatchBase, _ file: PatchedFile) throws {
  let source: TreeFile
  switch file.from {
  case .kept(let found), .moved(let found): source = found
  default: return
  }
  let isTaken = try copyRead(
    ports, from: source.path, base.readRange, to: placeOf(file.path), sha256: file.sha256, sizeBytes: file.sizeBytes)
  if !isTaken { throw PatchError(.baseDiffers, "Expected \(source.path) as it was, found something else.") }
}

/// Of what the device takes in any other way, too.
private func expectWithinLimits(_ files: [PatchedFile], _ limits: Limits) throws {
  if files.count > limits.fileCount { throw tooLarge("up to \(limits.fileCount) files", files.count) }
  for file in files where file.path.utf8.count > limits.pathBytes {
    throw tooLarge("paths of up to \(limits.pathBytes) bytes", file.path.utf8.count)
  }
}

private func tooLarge(_ expected: String, _ found: Int) -> PatchError {
  PatchError(.patchTooLarge, "Expected \(expected), found \(found).")
}

private func placeOf(_ path: String) -> String {
  "\(StorageLayout.pendingTree)/\(path)"
}
