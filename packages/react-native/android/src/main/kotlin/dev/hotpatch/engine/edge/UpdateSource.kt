package dev.hotpatch.engine.edge

import dev.hotpatch.engine.ground.EdgeOrder
import dev.hotpatch.engine.ground.Ports
import dev.hotpatch.engine.ground.Settings
import dev.hotpatch.engine.ground.UpdateError
import dev.hotpatch.engine.ground.asUpdateError
import dev.hotpatch.engine.server.CheckAnswer
import dev.hotpatch.engine.server.CheckRequest
import dev.hotpatch.engine.server.ServerApi
import dev.hotpatch.protocol.SdkCode

/** Whoever is asked for updates. */
fun interface UpdateSource {
  /**
   * @param running the sequence of what runs, where a release does
   * @param onRefused hears of what an edge said and was not believed, also when the server has an answer
   * @throws UpdateError
   */
  fun check(request: CheckRequest, running: Long?, onRefused: (UpdateError) -> Unit): CheckAnswer
}

/** Static edge §8: the edge, the server, or one after the other. */
fun staticEdge(ports: Ports, settings: Settings, server: ServerApi): UpdateSource {
  val config = settings.config.edge ?: return UpdateSource { request, _, _ -> server.check(request) }
  val edge = EdgeSource(ports, settings, config.url)
  if (settings.config.serverUrl.isEmpty()) return edgeAlone(edge)
  return if (config.order == EdgeOrder.FALLBACK) serverFirst(edge, server) else edgeFirst(edge, server)
}

private fun edgeAlone(edge: EdgeSource) = UpdateSource { request, running, _ ->
  edge.check(request, running)
    ?: throw UpdateError(SdkCode.CHECK_FAILED, "the edge leaves this to the server, and there is none")
}

private fun edgeFirst(edge: EdgeSource, server: ServerApi) = UpdateSource { request, running, onRefused ->
  val answer = try {
    edge.check(request, running)
  } catch (error: Exception) {
    onRefused(asUpdateError(error))
    null
  }
  answer ?: server.check(request)
}

private fun serverFirst(edge: EdgeSource, server: ServerApi) = UpdateSource { request, running, _ ->
  try {
    server.check(request)
  } catch (error: UpdateError) {
    if (error.code != SdkCode.CHECK_FAILED) throw error
    edge.check(request, running) ?: throw error
  }
}
