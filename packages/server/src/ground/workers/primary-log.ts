import { hostname } from 'node:os'
import { createReadableLog } from '../readable-log.ts'
import { createUnreadLog } from '../unread-log.ts'

const LEVELS = { debug: 20, info: 30, warn: 40, error: 50, fatal: 60, silent: Infinity }
type Level = keyof typeof LEVELS

export type PrimaryLog = (level: Exclude<Level, 'debug' | 'silent'>, text: string, about?: object) => void

/** Lines in the form of the server's own log, without what makes that fast. */
export function createPrimaryLog(level: string, format: string): PrimaryLog {
  const least = level in LEVELS ? LEVELS[level as Level] : LEVELS.info
  const isRead = (format || (process.stdout.isTTY ? 'text' : 'json')) === 'text'
  const print = (text: string) => void process.stdout.write(text)
  const stream = createUnreadLog(isRead ? createReadableLog(print) : { write: print }, process.stdout)
  return (of, msg, about = {}) => {
    if (LEVELS[of] < least) return
    const line = { level: LEVELS[of], time: Date.now(), pid: process.pid, hostname: hostname(), ...about, msg }
    stream.write(`${JSON.stringify(line)}\n`)
  }
}
