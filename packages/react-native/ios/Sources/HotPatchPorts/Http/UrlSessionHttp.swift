import Foundation

#if SWIFT_PACKAGE
  import HotPatchEngine
#endif

#if canImport(FoundationNetworking)
  import FoundationNetworking
#endif

/// Follows no redirects, keeps no cookies and no cache. How long anything may take is the engine's to say.
public final class UrlSessionHttp: HttpPort {
  private let session: URLSession
  private let exchanges: Exchanges

  /// - Parameter pins: of hosts that are not in it, whatever certificate the system trusts will do.
  public init(pins: CertificatePins = CertificatePins()) {
    exchanges = Exchanges(pins)
    let configuration = URLSessionConfiguration.ephemeral
    configuration.requestCachePolicy = .reloadIgnoringLocalCacheData
    configuration.urlCache = nil
    configuration.httpCookieStorage = nil
    configuration.httpShouldSetCookies = false
    configuration.urlCredentialStorage = nil
    configuration.timeoutIntervalForRequest = 24 * 60 * 60
    session = URLSession(configuration: configuration, delegate: exchanges, delegateQueue: nil)
  }

  deinit {
    session.invalidateAndCancel()
  }

  public func open(_ request: HttpRequest) -> HttpExchange {
    guard let url = URL(string: request.url) else { return UrlSessionExchange(failedWith: NoAddressError()) }
    var asked = URLRequest(url: url)
    asked.httpMethod = request.method.rawValue
    for (name, value) in request.headers { asked.setValue(value, forHTTPHeaderField: name) }
    // URLSession unpacks by itself what it has asked for packed, and a download is held to its size.
    asked.setValue("identity", forHTTPHeaderField: "accept-encoding")
    asked.httpBody = request.body.map { Data($0.utf8) }
    let task = session.dataTask(with: asked)
    let exchange = UrlSessionExchange(task)
    exchanges.add(exchange, task)
    task.resume()
    return exchange
  }
}

struct NoAddressError: Error, CustomStringConvertible {
  let description = "the address is none"
}

/// What belongs to which task. Their delegate, which a session keeps.
private final class Exchanges: NSObject, URLSessionDataDelegate, @unchecked Sendable {
  private let lock = NSLock()
  private var open: [Int: UrlSessionExchange] = [:]
  private let pins: CertificatePins

  init(_ pins: CertificatePins) {
    self.pins = pins
  }

  func add(_ exchange: UrlSessionExchange, _ task: URLSessionTask) {
    lock.lock()
    defer { lock.unlock() }
    open[task.taskIdentifier] = exchange
  }

  private func of(_ task: URLSessionTask) -> UrlSessionExchange? {
    lock.lock()
    defer { lock.unlock() }
    return open[task.taskIdentifier]
  }

  func urlSession(
    _ session: URLSession, dataTask: URLSessionDataTask, didReceive response: URLResponse,
    completionHandler: @escaping (URLSession.ResponseDisposition) -> Void
  ) {
    of(dataTask)?.received(response)
    completionHandler(.allow)
  }

  func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
    of(dataTask)?.received(data)
  }

  func urlSession(_ session: URLSession, task: URLSessionTask, didCompleteWithError error: Error?) {
    let exchange = of(task)
    lock.lock()
    open[task.taskIdentifier] = nil
    lock.unlock()
    exchange?.ended(error)
  }

  /// The engine looks where it leads.
  func urlSession(
    _ session: URLSession, task: URLSessionTask, willPerformHTTPRedirection response: HTTPURLResponse,
    newRequest request: URLRequest, completionHandler: @escaping (URLRequest?) -> Void
  ) {
    completionHandler(nil)
  }

  #if canImport(Security)
    func urlSession(
      _ session: URLSession, didReceive challenge: URLAuthenticationChallenge,
      completionHandler: @escaping (URLSession.AuthChallengeDisposition, URLCredential?) -> Void
    ) {
      let space = challenge.protectionSpace
      guard space.authenticationMethod == NSURLAuthenticationMethodServerTrust, let trust = space.serverTrust else {
        return completionHandler(.performDefaultHandling, nil)
      }
      if isPinned(trust, host: space.host, pins) {
        completionHandler(.performDefaultHandling, nil)
      } else {
        completionHandler(.cancelAuthenticationChallenge, nil)
      }
    }
  #endif
}
