import Foundation

@testable import HotPatchEngine

/// What a power cut leaves of the things that were not synced: nothing, everything, or a part of each that is drawn (for
/// directories some moment since their last sync, as journals keep order; for files also a tail of zeros).
enum Survival {
  case worst, best
  case drawn(() -> Double)

  static let extremes: [Survival] = [.worst, .best]

  var isWorst: Bool {
    if case .worst = self { return true }
    return false
  }
}

struct PowerCutError: Error {}

/// In the order in which they came: what is removed is removed in that order, the same in every run.
private struct Names {
  var entries: [(name: ExactText, node: Node)] = []

  subscript(name: ExactText) -> Node? {
    get { entries.first { $0.name == name }?.node }
    set {
      let place = entries.firstIndex { $0.name == name }
      switch (place, newValue) {
      case (let place?, let node?): entries[place].node = node
      case (let place?, nil): entries.remove(at: place)
      case (nil, let node?): entries.append((name, node))
      case (nil, nil): break
      }
    }
  }
}

private final class Node {
  enum Kind {
    case file(bytes: [UInt8], durable: [UInt8])
    /// With every state since the last sync, the synced one first.
    case directory(names: Names, history: [Names])
  }

  var kind: Kind

  init(_ kind: Kind) {
    self.kind = kind
  }

  static var emptyDirectory: Node { Node(.directory(names: Names(), history: [Names()])) }

  var isDirectory: Bool {
    if case .directory = kind { return true }
    return false
  }

  var names: Names {
    if case .directory(let names, _) = kind { return names }
    return Names()
  }
}

/// A file system in memory that knows what would survive a power cut: file content as of its last sync, and the names in
/// a directory as of the directory's last sync. It stops at any of its changes, and stays dead.
final class MemoryFiles: FilesPort {
  private var root: Node
  private let lock = NSRecursiveLock()
  private var isDead = false
  private var stopAt = Int.max
  private var fullAt = Int.max
  /// Every change so far, such as "write ota/metadata.json.tmp" or "rename a -> b"; the folder itself is ".".
  private(set) var log: [String] = []
  /// Whether `log` has begun anew.
  private(set) var arrangements = 0
  var free: Int?

  convenience init() {
    self.init(.emptyDirectory)
  }

  private init(_ root: Node) {
    self.root = root
  }

  var hasStopped: Bool { locked { isDead } }

  /// Applies to the changes from now on, counted from 1 again: the power goes during one, and from one on whatever needs
  /// room fails.
  func arrange(stopAt: Int = .max, fullAt: Int = .max) {
    locked {
      log = []
      arrangements += 1
      self.stopAt = stopAt
      self.fullAt = fullAt
    }
  }

  /// The power goes now, and this file system is dead; another one comes back with what survived.
  func cutPower(_ survival: Survival) -> MemoryFiles {
    locked {
      isDead = true
      return MemoryFiles(survivor(root, survival))
    }
  }

  /// Every file under a directory, by its path within it; nil when there is no such directory.
  func tree(_ path: String) -> [ExactText: [UInt8]]? {
    locked {
      guard let node = find(path), node.isDirectory else { return nil }
      var found: [ExactText: [UInt8]] = [:]
      collect(node, "", &found)
      return found
    }
  }

  func read(_ path: String) throws -> [UInt8]? {
    try alive {
      guard let node = find(path) else { return nil }
      guard case .file(let bytes, _) = node.kind else { throw missing(path) }
      return bytes
    }
  }

  func readRange(_ path: String, offset: Int, length: Int) throws -> [UInt8] {
    try alive {
      guard case .file(let bytes, _) = find(path)?.kind else { throw missing(path) }
      return Array(bytes.dropFirst(offset).prefix(length))
    }
  }

  func write(_ path: String, _ bytes: [UInt8]) throws {
    try alive {
      let half = Array(bytes.prefix(bytes.count / 2))
      try change("write \(path)", needsRoom: true, torn: { try self.put(path, 0, half) }) { try put(path, 0, bytes) }
      try change("sync \(path)") { try syncFile(path) }
    }
  }

  func append(_ path: String, offset: Int, _ bytes: [UInt8]) throws {
    try alive {
      let half = Array(bytes.prefix(bytes.count / 2))
      try change("append \(path)", needsRoom: true, torn: { try self.put(path, offset, half) }) {
        try put(path, offset, bytes)
      }
    }
  }

  func sync(_ path: String) throws {
    try alive { try change("sync \(path)") { try syncFile(path) } }
  }

  func syncDirectory(_ path: String) throws {
    try alive {
      try change("syncDirectory \(path.isEmpty ? "." : path)") {
        guard let node = find(path), case .directory(let names, _) = node.kind else { throw missing(path) }
        node.kind = .directory(names: names, history: [names])
      }
    }
  }

  func rename(_ from: String, to: String) throws {
    try alive {
      try change("rename \(from) -> \(to)") {
        guard let node = find(from) else { throw missing(from) }
        if find(to)?.isDirectory == true { throw FilesError("there is a directory at \(to)") }
        if isSameText(parentOf(from), parentOf(to)) {
          // Within one directory a rename is one change of it: never both names, never none.
          try moveWithin(parentOf(from), from, to, node)
        } else {
          try link(to, node)
          try link(from, nil)
        }
      }
    }
  }

  func remove(_ path: String) throws {
    try alive { try removeNode(path) }
  }

  func makeDirectory(_ path: String) throws {
    try alive {
      var at = ""
      for name in path.split(separator: "/") {
        at = at.isEmpty ? String(name) : "\(at)/\(name)"
        let next = at
        if find(next) == nil {
          try change("makeDirectory \(next)", needsRoom: true) { try link(next, .emptyDirectory) }
        }
      }
    }
  }

  func locate(_ path: String) -> String {
    "/memory/\(path)"
  }

  func stat(_ path: String) throws -> FileStat? {
    try alive {
      find(path).map { node in
        if case .file(let bytes, _) = node.kind { return FileStat(kind: .file, sizeBytes: bytes.count) }
        return FileStat(kind: .directory, sizeBytes: 0)
      }
    }
  }

  func freeBytes() throws -> Int? {
    free
  }

  private func locked<T>(_ work: () throws -> T) rethrows -> T {
    lock.lock()
    defer { lock.unlock() }
    return try work()
  }

  private func alive<T>(_ work: () throws -> T) throws -> T {
    try locked {
      if isDead { throw PowerCutError() }
      return try work()
    }
  }

  /// Runs `torn` instead of `run` when the power goes here: a write may leave half of itself.
  private func change(
    _ name: String, needsRoom: Bool = false, torn: (() throws -> Void)? = nil, _ run: () throws -> Void
  ) throws {
    log.append(name)
    if log.count >= stopAt {
      try? torn?()
      isDead = true
      throw PowerCutError()
    }
    if needsRoom && log.count >= fullAt { throw FilesError(isFull: true, "no space left on device") }
    try run()
  }

  private func find(_ path: String) -> Node? {
    path.split(separator: "/").reduce(Optional(root)) { node, name in node?.names[ExactText(String(name))] }
  }

  private func link(_ path: String, _ node: Node?) throws {
    let parent = parentOf(path)
    guard let folder = find(parent), case .directory(var names, let history) = folder.kind else {
      throw missing(parent)
    }
    names[nameOf(path)] = node
    folder.kind = .directory(names: names, history: history + [names])
  }

  private func moveWithin(_ parent: String, _ from: String, _ to: String, _ node: Node) throws {
    guard let folder = find(parent), case .directory(var names, let history) = folder.kind else {
      throw missing(parent)
    }
    names[nameOf(from)] = nil
    names[nameOf(to)] = node
    folder.kind = .directory(names: names, history: history + [names])
  }

  private func put(_ path: String, _ offset: Int, _ bytes: [UInt8]) throws {
    var kept: [UInt8] = []
    var durable: [UInt8] = []
    let node = find(path)
    if let node {
      guard case .file(let known, let safe) = node.kind else { throw missing(path) }
      (kept, durable) = (Array(known.prefix(offset)), safe)
    }
    kept += [UInt8](repeating: 0, count: offset - kept.count)
    let kind = Node.Kind.file(bytes: kept + bytes, durable: durable)
    if let node { node.kind = kind } else { try link(path, Node(kind)) }
  }

  private func syncFile(_ path: String) throws {
    guard let node = find(path), case .file(let bytes, _) = node.kind else { throw missing(path) }
    node.kind = .file(bytes: bytes, durable: bytes)
  }

  private func removeNode(_ path: String) throws {
    guard let node = find(path) else { return }
    for entry in node.names.entries { try removeNode("\(path)/\(entry.name.text)") }
    try change("remove \(path)") { try link(path, nil) }
  }
}

private func nameOf(_ path: String) -> ExactText {
  ExactText(path.split(separator: "/").last.map { String($0) } ?? "")
}

private func missing(_ path: String) -> FilesError {
  FilesError("no such file or directory: \(path)")
}

private func survivor(_ node: Node, _ survival: Survival) -> Node {
  switch node.kind {
  case .file(let bytes, let durable):
    let left = survivingBytes(bytes, durable, survival)
    return Node(.file(bytes: left, durable: left))
  case .directory(_, let history):
    var kept = history[survivingState(history.count, survival)]
    kept.entries = kept.entries.map { ($0.name, survivor($0.node, survival)) }
    return Node(.directory(names: kept, history: [kept]))
  }
}

private func survivingState(_ count: Int, _ survival: Survival) -> Int {
  switch survival {
  case .worst: return 0
  case .best: return count - 1
  case .drawn(let draw): return Int(draw() * Double(count))
  }
}

private func survivingBytes(_ bytes: [UInt8], _ durable: [UInt8], _ survival: Survival) -> [UInt8] {
  switch survival {
  case .worst: return durable
  case .best: return bytes
  case .drawn(let draw):
    if bytes == durable { return durable }
    let choice = draw()
    if choice < 0.6 { return choice < 0.3 ? durable : bytes }
    // The size arrived before the content.
    let kept = Int(draw() * Double(bytes.count))
    return bytes.prefix(kept) + [UInt8](repeating: 0, count: bytes.count - kept)
  }
}

private func collect(_ node: Node, _ prefix: String, _ found: inout [ExactText: [UInt8]]) {
  for (name, child) in node.names.entries {
    if case .file(let bytes, _) = child.kind {
      found[ExactText(prefix + name.text)] = bytes
    } else {
      collect(child, "\(prefix)\(name.text)/", &found)
    }
  }
}
