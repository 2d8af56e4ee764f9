/// Static edge §8: whoever is asked for updates: the server, the edge, or one after the other.
enum UpdateSource {
  case server(ServerApi)
  case edge(EdgeSource)
  case edgeFirst(EdgeSource, ServerApi)
  case serverFirst(ServerApi, EdgeSource)

  /// Throws UpdateError.
  /// - Parameter running: the sequence of what runs, where a release does
  /// - Parameter onRefused: hears of what an edge said and was not believed, also when the server has an answer
  func check(_ told: ToldCheck, running: Int?, onRefused: (UpdateError) -> Void) throws -> CheckAnswer {
    switch self {
    case .server(let server): return try server.check(told)
    case .edge(let edge):
      if let answer = try edge.check(told, running: running) { return answer }
      throw UpdateError(.checkFailed, "the edge leaves this to the server, and there is none")
    case .edgeFirst(let edge, let server):
      do {
        if let answer = try edge.check(told, running: running) { return answer }
      } catch {
        onRefused(asUpdateError(error))
      }
      return try server.check(told)
    case .serverFirst(let server, let edge):
      do {
        return try server.check(told)
      } catch let error as UpdateError where error.code == .checkFailed {
        if let answer = try edge.check(told, running: running) { return answer }
        throw error
      }
    }
  }
}

func updateSource(_ ports: Ports, _ settings: Settings, _ server: ServerApi) -> UpdateSource {
  guard let config = settings.config.edge else { return .server(server) }
  let edge = EdgeSource(ports, settings, config.url)
  if settings.config.serverUrl.isEmpty { return .edge(edge) }
  return config.order == .fallback ? .serverFirst(server, edge) : .edgeFirst(edge, server)
}
