import { hostname } from 'node:os'
import type { Writable } from 'node:stream'
import type { LogStream } from './log.ts'

/** What may wait to be read, beside what the system keeps of a pipe. */
const MAX_WAITING_CHARACTERS = 1024 * 1024

export interface UnreadLog extends LogStream {
  /** Until what waits is written, or for so long: the last lines say why a process ended. */
  finish(patienceMs: number): Promise<void>
}

/**
 * The log of a process that waits for nobody: while whoever reads it hangs, lines wait in memory, and what is too much is
 * left out, and said. A write that blocks would have devices wait for the reader of a log.
 *
 * One line is on its way at a time: of several together, as much would be written as there is room for, and what another
 * process writes to the same pipe would come between.
 *
 * NOTE: Workers share one stream with their primary, and one that starts has it block for all of them until it serves: who
 * writes to a full one meanwhile does wait.
 * @param log writes to the stream
 */
export function createUnreadLog(log: LogStream, stream: Writable): UnreadLog {
  let leftOut = 0
  const waiting: string[] = []
  let waitingCharacters = 0
  let isOnWay = false
  let onEmpty: (() => void) | undefined
  // A reader that is gone, such as of a pipe, is no reason to end.
  stream.on('error', () => undefined)

  function put(line: string): void {
    if (!isOnWay) return send(line)
    waiting.push(line)
    waitingCharacters += line.length
  }

  function send(line: string): void {
    log.write(line)
    if (stream.writableLength === 0) return
    isOnWay = true
    // Nothing, behind the line: called when that is written, or cannot be.
    stream.write('', goOn)
  }

  function goOn(): void {
    isOnWay = false
    while (!isOnWay) {
      const line = waiting.shift()
      if (line === undefined) break
      waitingCharacters -= line.length
      send(line)
    }
    if (!isOnWay) onEmpty?.()
  }

  function sayWhatIsMissing(): void {
    if (leftOut === 0) return
    const about = { level: 40, time: Date.now(), pid: process.pid, hostname: hostname(), lines: leftOut }
    leftOut = 0
    put(`${JSON.stringify({ ...about, msg: 'lines were left out, as nobody read the log' })}\n`)
  }

  return {
    write(line) {
      if (waitingCharacters + stream.writableLength > MAX_WAITING_CHARACTERS) {
        leftOut++
        return
      }
      sayWhatIsMissing()
      put(line)
    },
    async finish(patienceMs) {
      sayWhatIsMissing()
      if (!isOnWay) return
      const isWritten = Promise.withResolvers<void>()
      onEmpty = isWritten.resolve
      const timer = setTimeout(isWritten.resolve, patienceMs)
      await isWritten.promise
      clearTimeout(timer)
    },
  }
}
