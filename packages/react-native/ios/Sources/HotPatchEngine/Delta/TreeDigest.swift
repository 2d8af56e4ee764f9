/// Patches §4: of whole trees. Equal exactly when paths and bytes are.
func treeDigest(_ files: [TreeFile], _ sha256: Sha256) -> String {
  let hasher = sha256()
  for line in treeLines(files) { hasher.update(utf8FromText(line)) }
  return hexFromBytes(hasher.digest())
}

/// Why files cannot be a tree, wherever they are written; nil when they can.
func treeFault(_ files: [TreeFile]) -> String? {
  for file in files {
    let found = isFolderPath(file.path) ? "a folder's path" : filePathFault(file.path)?.found
    if let found { return "\(found) in \(writeJson(.string(String(file.path.prefix(200)))))" }
  }
  guard let conflict = findPathConflict(files.map(\.path)) else { return nil }
  return "\(writeJson(.string(conflict.path))) beside \(writeJson(.string(conflict.other)))"
}
