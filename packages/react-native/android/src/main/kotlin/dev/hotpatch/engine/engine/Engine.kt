package dev.hotpatch.engine.engine

import dev.hotpatch.engine.decrypt.Decrypter
import dev.hotpatch.engine.edge.UpdateSource
import dev.hotpatch.engine.ground.EngineConfig
import dev.hotpatch.engine.ground.EngineEvent
import dev.hotpatch.engine.ground.Joined
import dev.hotpatch.engine.ground.Limits
import dev.hotpatch.engine.ground.Ports
import dev.hotpatch.engine.ground.Settings
import dev.hotpatch.engine.ground.UpdateError
import dev.hotpatch.engine.ground.asUpdateError
import dev.hotpatch.engine.ground.readBuiltAt
import dev.hotpatch.engine.install.Installer
import dev.hotpatch.engine.patch.Patcher
import dev.hotpatch.engine.recovery.Found
import dev.hotpatch.engine.recovery.Launch
import dev.hotpatch.engine.recovery.launch
import dev.hotpatch.engine.recovery.launchOf
import dev.hotpatch.engine.recovery.launchWithoutWriting
import dev.hotpatch.engine.server.Outbox
import dev.hotpatch.engine.server.ServerApi
import dev.hotpatch.engine.server.UpdateContract
import dev.hotpatch.engine.state.InstalledRelease
import dev.hotpatch.engine.state.Slot
import dev.hotpatch.engine.state.StateStore
import dev.hotpatch.engine.state.TrustTeller
import dev.hotpatch.protocol.SdkCode
import java.util.concurrent.CopyOnWriteArraySet
import java.util.concurrent.locks.ReentrantLock
import kotlin.concurrent.withLock

/** What the engine is made of, besides itself. */
class EngineParts(
  val contract: UpdateContract,
  val installer: Installer,
  val patcher: Patcher,
  val decrypter: Decrypter,
  /** Whom it asks. */
  val edge: (Ports, Settings, ServerApi) -> UpdateSource,
)

/**
 * The device engine over what its machine offers, one for each app and process. Another one over the same ports takes its
 * place when it starts, which must not be while this one asks the server. Everything
 * blocks. What asks the server takes as long as the network does; start(), configure(), confirm(), crashed(), rollBack()
 * and status() wait for the disk at most, and may be called on any thread.
 */
class Engine(private val ports: Ports, private val limits: Limits, private val parts: EngineParts) {
  private class Session(val running: Running, val outbox: Outbox, val builtAt: Long?)

  private class Online(val flow: UpdateFlow, val server: ServerApi, val trust: TrustTeller, val config: EngineConfig)

  private val listeners = CopyOnWriteArraySet<(EngineEvent) -> Unit>()
  @Volatile private var session: Session? = null

  // The folder could not even be read: embedded runs, and nothing is updated until the next start.
  @Volatile private var broken: UpdateError? = null
  @Volatile private var online: Online? = null
  private var launched: Launch? = null

  /** What asks the server, and what stages: one after the other, in the order in which they came. */
  private val lane = ReentrantLock(true)
  private val checking = Joined<UpdateOutcome>()
  private val downloading = Joined<UpdateOutcome>()
  private val synchronizing = Joined<UpdateOutcome>()

  /**
   * Chooses what to run, before any of the app's own code; needs neither network nor configuration, and never throws.
   * `inBackground`: the app is started without being shown.
   */
  @Synchronized
  fun start(inBackground: Boolean = false): Launch = launched ?: begin(inBackground).also { launched = it }

  /**
   * Where updates come from; before the first check, and again when something of it changes, which then holds from the next
   * check on. What is under way goes on as it was begun.
   * @throws IllegalArgumentException when a key is not the base64 of 32 bytes, or there are more than 20, or 8 to decrypt by;
   * when there is an edge and no key, or neither server nor edge
   */
  fun configure(config: EngineConfig) {
    val settings = readSettings(config, limits)
    val current = started() ?: return
    val store = current.running.store
    val decryptionKeys by lazy { parts.decrypter.keysOf(ports, settings) }
    val server = ServerApi(ports, settings, parts.contract) { decryptionKeys.map { it.keyId } }
    val trust = TrustTeller(ports.files, ports.crypto, settings, store, current.builtAt)
    val context = FlowContext(
      ports = ports,
      settings = settings,
      installer = parts.installer,
      patcher = parts.patcher,
      decrypter = parts.decrypter,
      decryptionKeys = { decryptionKeys },
      store = store,
      source = parts.edge(ports, settings, server),
      outbox = current.outbox,
      tellTrust = trust::tell,
      builtAt = current.builtAt,
      running = current.running.release,
      emit = ::emit,
    )
    online = Online(UpdateFlow(context), server, trust, config)
  }

  /**
   * "App ready", at every start: the running release proved itself. False when that could not be stored. What waits to be
   * reported is sent in the background.
   */
  fun confirm(): Boolean {
    val current = started() ?: return true
    return current.running.confirm().also { runCatching { ports.background.run(::flushReports) } }
  }

  /**
   * The app knows that the running release does not work: the next start rolls it back. One that was confirmed has to
   * fail at several starts in a row. For the end of a process as well: it waits for no download, and never throws. False
   * when nothing runs that could be gone back from, or that could not be stored.
   */
  fun crashed(): Boolean = session != null && noteCrash(leastStarts = 0)

  /**
   * The app, or who uses it, does not want what runs: the next start goes back from it, and it is never tried again.
   * False when embedded runs, or that could not be stored.
   */
  fun rollBack(): Boolean = noteCrash(limits.badStartsInARow)

  fun check(): UpdateOutcome = follow(checking) { it.flow.check() }

  /** What the last check found, or else what a new one finds. */
  fun download(): UpdateOutcome = follow(downloading) { it.flow.download() }

  /** Checks, downloads and stages; restarts the app for a mandatory update if the host can. */
  fun sync(): UpdateOutcome = follow(synchronizing, ::synchronize)

  /** Sends the reports that wait. sync() and confirm() do it as well. */
  fun flushReports() {
    val current = started() ?: return
    online?.let { current.outbox.flush(it.server, it.trust::tell) }
  }

  fun status(): EngineStatus {
    val running = started()?.running ?: return EngineStatus(problem = broken)
    val state = running.store.current()
    return EngineStatus(
      running = running.launched,
      standing = running.active?.standing,
      staged = state.staged?.let { nameOf(it.release) ?: NamedRelease(null, ports.host.nativeVersion) },
      previous = nameOf(state.previous),
      highWater = state.highWater,
      floor = state.floor,
      failedReleaseIds = state.failed.map { it.releaseId },
    )
  }

  /** Called on the thread that does the work. Returns the function that ends the subscription. */
  fun subscribe(listener: (EngineEvent) -> Unit): () -> Unit {
    listeners.add(listener)
    return { listeners.remove(listener) }
  }

  private fun begin(inBackground: Boolean): Launch {
    ports.takeOver(::end)
    val store = try {
      StateStore(ports, limits)
    } catch (error: Throwable) {
      broken = asUpdateError(error)
      return Launch.Embedded
    }
    val (release, slot) = settle(store, inBackground)
    val running = Running(ports, store, release, launchOf(ports.files, release, slot))
    val builtAt = readBuiltAt(ports.host, ports.clock.now())
    session = Session(running, Outbox(ports.files, store, limits, ::emit), builtAt)
    return running.launched
  }

  private fun end() {
    val current = session ?: return
    current.running.end()
    current.outbox.end()
  }

  /** Whatever goes wrong, something is started that was verified: at worst what the binary shipped with. */
  private fun settle(store: StateStore, inBackground: Boolean): Pair<InstalledRelease?, Slot> = try {
    launch(ports, store, limits, inBackground) to Slot.BUNDLE
  } catch (_: Throwable) {
    val found: Found? = runCatching { launchWithoutWriting(ports, store, limits) }.getOrNull()
    found?.release to (found?.slot ?: Slot.BUNDLE)
  }

  private fun started(): Session? {
    check(session != null || broken != null) {
      "start() must have returned before anything else is asked of the engine"
    }
    return session
  }

  private fun noteCrash(leastStarts: Int): Boolean {
    val current = started() ?: return false
    return runCatching { current.running.noteCrash(leastStarts) }.getOrDefault(false)
  }

  /** A second call of the same kind joins the first; different ones follow each other. */
  private fun follow(kind: Joined<UpdateOutcome>, work: (Online) -> UpdateOutcome): UpdateOutcome {
    if (started() == null) return UpdateOutcome.Failed(checkNotNull(broken), releaseId = null)
    checkNotNull(online) { "configure() must have been called before updates are asked for" }
    check(!lane.isHeldByCurrentThread) { "a listener cannot wait for the work that it listens to" }
    return kind.run { lane.withLock { work(checkNotNull(online)) } }
  }

  private fun synchronize(online: Online): UpdateOutcome {
    val checked = online.flow.check()
    val isAvailable = checked is UpdateOutcome.Available || checked is UpdateOutcome.AvailableEmbedded
    val outcome = if (isAvailable) online.flow.download() else checked
    flushReports()
    if (outcome is UpdateOutcome.Staged && outcome.mandatory && online.config.restartsWhenMandatory) {
      // When it fails: it is staged, and the next start, whenever that is, takes it.
      runCatching { ports.host.restart() }
    }
    return outcome
  }

  private fun emit(event: EngineEvent) {
    // A listener's mistake must not stop an update.
    for (listener in listeners) runCatching { listener(event) }
  }
}

private fun nameOf(release: InstalledRelease?): NamedRelease? =
  release?.let { NamedRelease(it.releaseId, it.version) }
