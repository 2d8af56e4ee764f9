package dev.hotpatch.engine.memory

import dev.hotpatch.engine.ground.DiskFullException
import dev.hotpatch.engine.ground.FileKind
import dev.hotpatch.engine.ground.FileStat
import dev.hotpatch.engine.ground.FilesPort
import java.io.FileNotFoundException
import java.io.IOException
import java.util.Random

class PowerCutException(message: String) : IOException(message)

/**
 * What a power cut leaves of the things that were not synced: nothing, everything, or a pseudo-random part of each
 * (for directories some moment since their last sync, as journals keep order; for files also a tail of zeros).
 */
sealed interface Survival {
  data object Worst : Survival

  data object Best : Survival

  class Some(val random: Random) : Survival
}

private sealed interface Node

private class FileNode(var bytes: ByteArray = ByteArray(0), var durable: ByteArray = ByteArray(0)) : Node

private class DirectoryNode(val names: LinkedHashMap<String, Node> = LinkedHashMap()) : Node {
  /** Every state since the last sync, the synced one first. */
  val history = arrayListOf<Map<String, Node>>(LinkedHashMap(names))
}

const val NEVER = Int.MAX_VALUE

/**
 * A file system in memory that knows what would survive a power cut: file content as of its last sync, and the names
 * in a directory as of the directory's last sync.
 */
class MemoryFiles private constructor(private val root: DirectoryNode, stopAt: Int, fullAt: Int) : FilesPort {
  constructor(stopAt: Int = NEVER, fullAt: Int = NEVER) : this(DirectoryNode(), stopAt, fullAt)

  private var stopAt = stopAt
  private var fullAt = fullAt
  private var free: Long? = null

  /** Changes so far by name, such as "write ota/metadata.json.tmp" or "rename a -> b"; the folder itself is ".". */
  var log = ArrayList<String>()
    private set

  var hasStopped = false
    private set

  /** Applies to the changes from now on, counted from 1 again: the power goes at `stopAt`, no room is left from `fullAt` on. */
  fun arrange(stopAt: Int = NEVER, fullAt: Int = NEVER) {
    log = ArrayList()
    this.stopAt = stopAt
    this.fullAt = fullAt
  }

  /** The power goes now, and this file system is dead; another one comes back with what survived. */
  fun cutPower(survival: Survival, stopAt: Int = NEVER): MemoryFiles {
    hasStopped = true
    return MemoryFiles(survivor(root, survival) as DirectoryNode, stopAt, NEVER).also { it.free = free }
  }

  /** Null: the disk does not say it. */
  fun setFree(bytes: Long?) {
    free = bytes
  }

  /** Every file under a directory, by its path within it; null when there is no such directory. */
  fun tree(path: String): Map<String, ByteArray>? =
    (find(path) as? DirectoryNode)?.let { LinkedHashMap<String, ByteArray>().apply { gather(it, "", this) } }

  override fun read(path: String): ByteArray? {
    guard()
    return when (val node = find(path)) {
      null -> null
      is FileNode -> node.bytes.copyOf()
      is DirectoryNode -> throw missing(path)
    }
  }

  override fun readRange(path: String, offset: Long, length: Int): ByteArray {
    guard()
    val bytes = file(path).bytes
    val from = minOf(offset, bytes.size.toLong()).toInt()
    return bytes.copyOfRange(from, minOf(from.toLong() + length, bytes.size.toLong()).toInt())
  }

  override fun write(path: String, bytes: ByteArray) {
    put("write", path, 0, bytes)
    sync(path)
  }

  override fun append(path: String, offset: Long, bytes: ByteArray) = put("append", path, offset.toInt(), bytes)

  override fun sync(path: String) = change("sync $path") { file(path).let { it.durable = it.bytes } }

  override fun syncDirectory(path: String) = change("syncDirectory ${path.ifEmpty { "." }}") {
    val node = directory(path)
    node.history.clear()
    node.history.add(LinkedHashMap(node.names))
  }

  override fun rename(from: String, to: String) = change("rename $from -> $to") {
    val node = find(from) ?: throw missing(from)
    if (find(to) is DirectoryNode) throw IOException("there is a directory at $to")
    if (parentOf(from) == parentOf(to)) {
      // Within one directory a rename is one change of it: never both names, never none.
      directory(parentOf(from)).names.remove(nameOf(from))
      link(to, node)
    } else {
      link(to, node)
      link(from, null)
    }
  }

  override fun remove(path: String) {
    guard()
    val node = find(path) ?: return
    if (node is DirectoryNode) for (name in node.names.keys.toList()) remove("$path/$name")
    change("remove $path") { link(path, null) }
  }

  override fun makeDirectory(path: String) {
    guard()
    var at = ""
    for (name in segmentsOf(path)) {
      at = if (at.isEmpty()) name else "$at/$name"
      if (find(at) == null) at.let { change("makeDirectory $it", needsRoom = true) { link(it, DirectoryNode()) } }
    }
  }

  override fun locate(path: String): String = "/memory/$path"

  override fun stat(path: String): FileStat? {
    guard()
    return when (val node = find(path)) {
      null -> null
      is FileNode -> FileStat(FileKind.FILE, node.bytes.size.toLong())
      is DirectoryNode -> FileStat(FileKind.DIRECTORY, 0)
    }
  }

  override fun freeBytes(): Long? = free

  private fun guard() {
    if (hasStopped) throw PowerCutException("the power is off")
  }

  /** Runs `torn` instead of `run` when the power goes here: a write may leave half of itself. */
  private fun change(name: String, needsRoom: Boolean = false, torn: () -> Unit = {}, run: () -> Unit) {
    guard()
    log.add(name)
    if (log.size >= stopAt) {
      torn()
      hasStopped = true
      throw PowerCutException("the power went at change ${log.size}: $name")
    }
    if (needsRoom && log.size >= fullAt) throw DiskFullException("no space left on device")
    run()
  }

  private fun put(verb: String, path: String, offset: Int, bytes: ByteArray) {
    val half = { place(path, offset, bytes.copyOf(bytes.size / 2)) }
    change("$verb $path", needsRoom = true, torn = half) { place(path, offset, bytes) }
  }

  private fun place(path: String, offset: Int, bytes: ByteArray) {
    val found = find(path)
    if (found is DirectoryNode) throw missing(path)
    val node = found as FileNode? ?: FileNode()
    node.bytes = node.bytes.copyOf(offset) + bytes
    if (found == null) link(path, node)
  }

  private fun link(path: String, node: Node?) {
    val parent = directory(parentOf(path))
    if (node != null) parent.names[nameOf(path)] = node else parent.names.remove(nameOf(path))
    parent.history.add(LinkedHashMap(parent.names))
  }

  private fun find(path: String): Node? =
    segmentsOf(path).fold(root as Node?) { node, name -> (node as? DirectoryNode)?.names?.get(name) }

  private fun directory(path: String): DirectoryNode = find(path) as? DirectoryNode ?: throw missing(path)

  private fun file(path: String): FileNode = find(path) as? FileNode ?: throw missing(path)
}

private fun survivor(node: Node, survival: Survival): Node = when (node) {
  is FileNode -> survivingBytes(node, survival).let { FileNode(it, it) }
  is DirectoryNode -> {
    val kept = when (survival) {
      is Survival.Worst -> node.history.first()
      is Survival.Best -> node.history.last()
      is Survival.Some -> node.history[survival.random.nextInt(node.history.size)]
    }
    DirectoryNode(LinkedHashMap(kept.mapValues { survivor(it.value, survival) }))
  }
}

private fun survivingBytes(node: FileNode, survival: Survival): ByteArray {
  if (survival is Survival.Best) return node.bytes
  if (survival !is Survival.Some || node.bytes === node.durable) return node.durable
  val choice = survival.random.nextDouble()
  if (choice < 0.3) return node.durable
  if (choice < 0.6) return node.bytes
  // The size arrived before the content.
  return node.bytes.copyOf().also { it.fill(0, (survival.random.nextDouble() * it.size).toInt(), it.size) }
}

private fun gather(directory: DirectoryNode, prefix: String, into: MutableMap<String, ByteArray>) {
  for ((name, child) in directory.names) {
    if (child is FileNode) into[prefix + name] = child.bytes else gather(child as DirectoryNode, "$prefix$name/", into)
  }
}

private fun segmentsOf(path: String): List<String> = path.split('/').filter { it.isNotEmpty() }

private fun parentOf(path: String): String = path.substringBeforeLast('/', "")

private fun nameOf(path: String): String = path.substringAfterLast('/')

private fun missing(path: String) = FileNotFoundException("no such file or directory: $path")
