package dev.hotpatch.engine.memory

import dev.hotpatch.engine.ground.FilesPort
import dev.hotpatch.engine.testing.FilesPortConformance

class MemoryFilesTest : FilesPortConformance() {
  override val files: FilesPort = MemoryFiles()
}
