/// Throws UpdateError 'storage-full' where the disk says that it is too small; one that says nothing is tried.
func expectRoom(_ files: FilesPort, _ neededBytes: Int, _ what: String) throws {
  if let free = try files.freeBytes(), free < neededBytes {
    throw UpdateError(.storageFull, "\(free) bytes are free, \(what) has \(neededBytes)")
  }
}
