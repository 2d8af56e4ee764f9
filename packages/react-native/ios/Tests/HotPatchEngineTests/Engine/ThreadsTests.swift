import XCTest

@testable import HotPatchEngine

/// The network of a story, which can be made to wait with a download half done.
private final class HaltingHttp: HttpPort {
  private let server: StoryServer
  let hasBegun = DispatchSemaphore(value: 0)
  let mayGoOn = DispatchSemaphore(value: 0)
  private let lock = NSLock()
  private var checks = 0

  init(_ server: StoryServer) {
    self.server = server
  }

  var checkCount: Int {
    lock.lock()
    defer { lock.unlock() }
    return checks
  }

  func open(_ request: HttpRequest) -> HttpExchange {
    let exchange = server.open(request)
    if request.method == .get { return HaltingExchange(exchange, self) }
    lock.lock()
    if request.url.hasSuffix("/check") { checks += 1 }
    lock.unlock()
    return exchange
  }
}

private final class HaltingExchange: HttpExchange {
  private let exchange: HttpExchange
  private let http: HaltingHttp

  init(_ exchange: HttpExchange, _ http: HaltingHttp) {
    self.exchange = exchange
    self.http = http
  }

  func response(withinMs: Double) throws -> HttpResponse {
    http.hasBegun.signal()
    http.mayGoOn.wait()
    return try exchange.response(withinMs: withinMs)
  }

  func next(withinMs: Double) throws -> [UInt8]? { try exchange.next(withinMs: withinMs) }
  func abort() { exchange.abort() }
}

final class ThreadsTests: XCTestCase {
  func testACrashIsWrittenDownWhileADownloadIsUnderWay() throws {
    let (story, goals) = try newStory()
    let first = try staged(story, goals[0])
    let (life, http) = try halting(story, goals[1])
    XCTAssertEqual(try story.identify(life.boot()), first)
    let engine = try life.running
    let isOver = expectation(description: "the download is over")
    Thread.detachNewThread {
      _ = try? engine.sync()
      isOver.fulfill()
    }
    http.hasBegun.wait()
    // Nothing that the other thread holds is waited for.
    try engine.crashed()
    XCTAssertEqual(try readStartCount(life.disk)?.hasCrashed, true)
    http.mayGoOn.signal()
    wait(for: [isOver], timeout: 60)
    _ = try life.boot()
    XCTAssertEqual(try life.running.status().failedReleaseIds, ["release-1.0.0"])
  }

  func testASecondCallOfTheSameKindJoinsTheFirst() throws {
    let (story, goals) = try newStory()
    let (life, http) = try halting(story, goals[0])
    _ = try life.boot()
    let engine = try life.running
    let areOver = expectation(description: "both say the same")
    areOver.expectedFulfillmentCount = 2
    let outcomes = Outcomes()
    for _ in 0..<2 {
      Thread.detachNewThread {
        outcomes.add(try? engine.sync())
        areOver.fulfill()
      }
    }
    http.hasBegun.wait()
    http.mayGoOn.signal()
    // A second download, were there one, would not wait either.
    http.mayGoOn.signal()
    wait(for: [areOver], timeout: 60)
    XCTAssertEqual(outcomes.all.map { $0["releaseId"] }, [.string("release-1.0.0"), .string("release-1.0.0")])
    XCTAssertEqual(story.server.downloads.count, 1)
  }

  func testBeforeItIsStartedOrConfiguredAnEngineSaysSo() throws {
    let (story, _) = try newStory()
    let life = story.life
    let ports = try life.ports()
    let engine = Engine(ports)
    XCTAssertThrowsError(try engine.status())
    XCTAssertEqual(engine.start(), .embedded)
    XCTAssertThrowsError(try engine.sync()) { XCTAssertTrue($0 is EngineUseError) }
    XCTAssertTrue(try engine.confirm())
    var config = EngineConfig(serverUrl: "https://updates.test", appId: "app", deviceId: "device", channel: "beta")
    config.publicKeys = ["no key"]
    XCTAssertThrowsError(try engine.configure(config))
    config.publicKeys = []
    try engine.configure(config)
    guard case .upToDate = try engine.sync() else { return XCTFail("there is nothing to be had") }
  }

  func testAnEngineWhosePlaceAnotherOneTookWritesNothingAnyMore() throws {
    let (story, goals) = try newStory()
    story.server.target = goals[0].target
    let ports = try story.life.ports()
    let config = try story.life.device.engineConfig()
    let former = Engine(ports)
    _ = former.start()
    try former.configure(config)
    _ = try former.sync()
    guard case .release(let release) = Engine(ports).start() else { return XCTFail("the release is not started") }
    XCTAssertEqual(release.releaseId, "release-1.0.0")
    let kept = story.life.disk.tree("ota")
    XCTAssertFalse(try former.confirm())
    try former.crashed()
    XCTAssertFalse(try former.rollBack())
    try former.flushReports()
    guard case .failed = try former.sync() else { return XCTFail("it still stages") }
    XCTAssertEqual(story.life.disk.tree("ota"), kept)
  }

  private func newStory() throws -> (Story, [StoryGoal]) {
    let (_, file) = try XCTUnwrap(ScenarioFile.all(in: "stories").first)
    return (try Story(file), try Story.goals(file))
  }

  /// Its version.
  private func staged(_ story: Story, _ goal: StoryGoal) throws -> String {
    story.server.target = goal.target
    _ = try story.life.boot()
    _ = try story.life.running.sync()
    return goal.runs
  }

  /// The same disk behind a network that waits.
  private func halting(_ story: Story, _ goal: StoryGoal) throws -> (ScenarioLife, HaltingHttp) {
    story.server.target = goal.target
    let http = HaltingHttp(story.server)
    story.life.network = http
    return (story.life, http)
  }
}

private final class Outcomes {
  private let lock = NSLock()
  private var outcomes: [JsonObject] = []

  func add(_ outcome: UpdateOutcome?) {
    lock.lock()
    defer { lock.unlock() }
    if let outcome, case .object(let json) = jsonOf(outcome) { outcomes.append(json) }
  }

  var all: [JsonObject] {
    lock.lock()
    defer { lock.unlock() }
    return outcomes
  }
}
