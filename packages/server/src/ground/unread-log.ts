import { hostname } from 'node:os'
import type { Writable } from 'node:stream'
import type { LogStream } from './log.ts'

/** What may wait to be read, beside what the system keeps of a pipe. */
const MAX_WAITING_CHARACTERS = 1024 * 1024

/**
 * The log of a process that waits for nobody: while whoever reads it hangs, lines wait in memory, and what is too much is
 * left out, and said. A write that blocks would have devices wait for the reader of a log.
 *
 * NOTE: Workers share one stream with their primary, and one that starts has it block for all of them until it serves: who
 * writes to a full one meanwhile does wait.
 * @param log writes to the stream
 */
export function createUnreadLog(log: LogStream, stream: Writable): LogStream {
  let leftOut = 0
  // A reader that is gone, such as of a pipe, is no reason to end.
  stream.on('error', () => undefined)

  function sayWhatIsMissing(): void {
    const about = { level: 40, time: Date.now(), pid: process.pid, hostname: hostname(), lines: leftOut }
    log.write(`${JSON.stringify({ ...about, msg: 'lines were left out, as nobody read the log' })}\n`)
    leftOut = 0
  }

  return {
    write(line) {
      if (stream.writableLength > MAX_WAITING_CHARACTERS) {
        leftOut++
        return
      }
      if (leftOut > 0) sayWhatIsMissing()
      log.write(line)
    },
  }
}
