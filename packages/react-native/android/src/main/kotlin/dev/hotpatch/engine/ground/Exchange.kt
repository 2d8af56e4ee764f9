package dev.hotpatch.engine.ground

import java.io.IOException

class SmallAnswer(val status: Int, val headers: Map<String, String>, val body: ByteArray)

class AnswerTooLongException(message: String) : IOException(message)

/** One request whose answer is read whole: never more than `maxBytes`, never longer than `timeoutMs`. */
fun exchangeSmall(http: HttpPort, clock: ClockPort, request: HttpRequest, maxBytes: Int, timeoutMs: Long): SmallAnswer {
  val deadline = clock.elapsed() + timeoutMs
  fun left(): Long {
    val ms = deadline - clock.elapsed()
    if (ms <= 0) throw TookTooLongException("the answer took more than $timeoutMs ms")
    return ms
  }
  val exchange = http.open(request)
  try {
    val response = exchange.response(left())
    val chunks = mutableListOf<ByteArray>()
    var length = 0
    while (true) {
      val chunk = response.read(left()) ?: break
      if (chunk.size > maxBytes - length) throw AnswerTooLongException("the answer is longer than $maxBytes bytes")
      length += chunk.size
      chunks.add(chunk)
    }
    return SmallAnswer(response.status, response.headers, concat(chunks))
  } finally {
    exchange.abort()
  }
}
