package dev.hotpatch.engine.edge

import dev.hotpatch.engine.ground.Ports
import dev.hotpatch.engine.ground.Settings
import dev.hotpatch.engine.ground.UpdateError
import dev.hotpatch.engine.ground.encodePathSegment
import dev.hotpatch.engine.ground.isoTime
import dev.hotpatch.engine.server.CheckAnswer
import dev.hotpatch.engine.server.CheckRequest
import dev.hotpatch.protocol.SdkCode
import dev.hotpatch.protocol.edge.CompiledEdgeCatalog
import dev.hotpatch.protocol.edge.EdgeKeyDocument
import dev.hotpatch.protocol.edge.EdgePointer
import dev.hotpatch.protocol.edge.MAX_EDGE_CATALOG_BYTES
import dev.hotpatch.protocol.edge.decideAtEdge
import dev.hotpatch.protocol.edge.readEdgeCatalog
import dev.hotpatch.protocol.hexFromBytes

/** Static edge §8: what this device gets, by files that nobody has to be trusted for but those who signed them. */
internal class EdgeSource(private val ports: Ports, private val settings: Settings, url: String) {
  private class Believed(val verified: VerifiedPointer, val document: EdgeKeyDocument, val memory: EdgeMemory)

  private class Found(val sha256: String, val catalog: CompiledEdgeCatalog)

  private val appId get() = settings.config.appId
  private val channel get() = settings.config.channel
  private val platform get() = ports.host.platform
  private val baseUrl = url.trimEnd('/')
  private val files = EdgeFiles(ports, settings, baseUrl)
  private val folder = "edge/v1/$appId"

  // Of this process: what is named by its digest stays what it is.
  private var lastCatalog: Found? = null

  /**
   * Null: only the server can say.
   *
   * @param running the sequence of what runs, where a release does
   * @throws UpdateError
   */
  fun check(request: CheckRequest, running: Long?): CheckAnswer? {
    val fetched = files.fetchEnvelope("$folder/$platform/${encodePathSegment(channel)}/latest.json")
    val believed = believe(fetched)
    val pointer = believed.verified.pointer
    expectOurs(pointer.appId, pointer.platform, pointer.channel)
    expectFresh(believed, fetched.toldAt)
    remember(believed)
    val catalog = findCatalog(pointer)
    val device = deviceOf(request, settings.config.deviceId, ports.host)
    return decideAtEdge(catalog, device, ports.clock.now(), running)?.let { answerOf(it, catalog, baseUrl) }
  }

  /** A pointer by a key that is not known, or that names newer keys, has them fetched, once. */
  private fun believe(fetched: FetchedEnvelope): Believed {
    val before = readEdgeMemory(ports.files)
    val known = storedKeys(before)
    val first = known?.let { verifyPointer(ports.crypto, fetched.envelope, it) }
    if (known != null && first != null && first.pointer.keysVersion <= known.version) return Believed(first, known, before)
    val (document, memory) = fetchKeys(before)
    if (document.keys.isEmpty()) throw UpdateError(SdkCode.CHECK_FAILED, "this app has no edge any more")
    val verified = verifyPointer(ports.crypto, fetched.envelope, document)
      ?: throw UpdateError(SdkCode.SIGNATURE_INVALID, "no key of the edge signed what it says")
    return Believed(verified, document, memory)
  }

  /** The binary may hold other keys by now: what was verified once is verified again. */
  private fun storedKeys(memory: EdgeMemory): EdgeKeyDocument? {
    val envelope = memory.keys ?: return null
    val document = try {
      verifyKeyDocument(ports.crypto, envelope, settings.publicKeys, appId)
    } catch (_: UpdateError) {
      return null // Then it is fetched.
    }
    return document.takeIf { it.version == memory.keysVersion }
  }

  private fun fetchKeys(memory: EdgeMemory): Pair<EdgeKeyDocument, EdgeMemory> {
    val envelope = files.fetchEnvelope("$folder/keys.json").envelope
    val document = verifyKeyDocument(ports.crypto, envelope, settings.publicKeys, appId)
    if (document.version < memory.keysVersion) {
      refuseOlder("its keys are of version ${document.version}, and ${memory.keysVersion} was seen before")
    }
    val next = memory.copy(keys = envelope, keysVersion = document.version)
    writeEdgeMemory(ports.files, next)
    return document to next
  }

  private fun expectOurs(itsApp: String, itsPlatform: String, itsChannel: String) {
    if (itsApp != appId) throw UpdateError(SdkCode.WRONG_APP, "the edge speaks of the app $itsApp")
    if (itsPlatform != platform) {
      throw UpdateError(SdkCode.WRONG_PLATFORM, "the edge speaks of $itsPlatform, this is $platform")
    }
    if (itsChannel == channel) return
    throw UpdateError(SdkCode.ANSWER_INVALID, "the edge speaks of the channel $itsChannel, not of $channel")
  }

  /**
   * Static edge §9. What was heard before was said before: the time is not earlier than that, whatever the clock says. Not
   * of an earlier document: whoever has stolen a key may have said of the time what he liked.
   */
  private fun expectFresh(believed: Believed, toldAt: Long?) {
    val pointer = believed.verified.pointer
    val document = believed.document
    val mark = believed.memory.markOf(platform, channel)?.takeIf { it.keysVersion == document.version }
    val now = maxOf(maxOf(ports.clock.now(), document.createdAt), mark?.issuedAt ?: 0, toldAt ?: 0)
    val end = minOf(pointer.expiresAt, believed.verified.notAfter)
    if (end <= now) throw UpdateError(SdkCode.CATALOG_EXPIRED, "what the edge says was good until ${isoTime(end)}")
    if (mark == null || pointer.generation >= mark.generation) return
    refuseOlder("generation ${pointer.generation}, and ${mark.generation} was seen before")
  }

  private fun refuseOlder(what: String): Nothing =
    throw UpdateError(SdkCode.CATALOG_TOO_OLD, "the edge is older than what was heard of it: $what")

  private fun remember(believed: Believed) {
    val pointer = believed.verified.pointer
    val keysVersion = believed.document.version
    val known = believed.memory.markOf(platform, channel)
    if (known?.keysVersion == keysVersion && known.generation == pointer.generation) return
    val mark = EdgeMark(platform, channel, keysVersion, pointer.generation, pointer.issuedAt)
    writeEdgeMemory(ports.files, believed.memory.with(mark))
  }

  private fun findCatalog(pointer: EdgePointer): CompiledEdgeCatalog {
    lastCatalog?.takeIf { it.sha256 == pointer.sha256 }?.let { return it.catalog }
    if (pointer.sizeBytes > MAX_EDGE_CATALOG_BYTES) {
      throw UpdateError(SdkCode.ANSWER_INVALID, "the catalog of the edge has ${pointer.sizeBytes} bytes, which is too many")
    }
    val bytes = files.fetchBytes("$folder/catalogs/${pointer.sha256}.json", pointer.sizeBytes.toInt())
    val hasher = ports.crypto.sha256()
    hasher.update(bytes)
    if (hexFromBytes(hasher.digest()) != pointer.sha256) {
      throw UpdateError(SdkCode.HASH_MISMATCH, "the catalog of the edge has other bytes than were signed")
    }
    val read = readOrRefuse("the catalog") { readEdgeCatalog(textOf(bytes, "the catalog")) }
    expectOurs(read.appId, read.platform, read.channel)
    return CompiledEdgeCatalog(read).also { lastCatalog = Found(pointer.sha256, it) }
  }
}
