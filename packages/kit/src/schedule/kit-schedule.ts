/** Kits §6: when a machine looks by itself. */
export interface KitSchedule {
  /** Where the kit is installed: an absolute path. */
  root: string
  /** The program and its first arguments, such as Node and the tool; each an absolute path. */
  command: readonly [string, ...string[]]
  every: ScheduleInterval
  /** The hours of the day in which it may run, in local time: then once in them. */
  window: ScheduleWindow | undefined
  /** Whether what `consent.auto` of kit.json allows is applied as well. Absent: it only looks. */
  appliesShell: boolean
  /** For this person, or for the machine. */
  scope: 'user' | 'system'
  /** In which of the minutes that it may: told apart by machine, so that not all ask at the same time. */
  random(): number
}

export type ScheduleInterval = { kind: 'hours'; hours: number } | { kind: 'days'; days: 1 | 7 }

export interface ScheduleWindow {
  /** Of the day, in minutes since midnight. */
  fromMinute: number
  lengthMinutes: number
}

/** A file of the system's scheduler. Its first lines say whose it is. */
export interface ScheduleFile {
  name: string
  text: string
}

/** In each file: what carries it was written here, and may be removed from here. */
export const SCHEDULE_MARK = 'Written by "hotpatch kit schedule". Changes are lost when it is written again.'

const DAY_MINUTES = 24 * 60
/** Fewer would fall between two checks of the throttle; others do not divide a day. */
const HOURS = [1, 2, 3, 4, 6, 8, 12, 24]
const CLOCK = /^([01]\d|2[0-3]):([0-5]\d)$/

/** @throws TypeError with what is expected */
export function readScheduleInterval(text: string): ScheduleInterval {
  if (text === '24h' || text === '1d') return { kind: 'days', days: 1 }
  if (text === '7d') return { kind: 'days', days: 7 }
  const hours = /^(\d{1,2})h$/.exec(text)?.[1]
  if (hours !== undefined && HOURS.includes(Number(hours))) return { kind: 'hours', hours: Number(hours) }
  const expected = [...HOURS.map((each) => `${each}h`), '7d'].join(', ')
  throw new TypeError(`Expected one of ${expected}, found ${JSON.stringify(text)}.`)
}

/** "02:00-05:00", or over midnight "23:00-01:00". @throws TypeError with what is expected */
export function readScheduleWindow(text: string): ScheduleWindow {
  const [from = '', to = '', ...more] = text.split('-')
  const [begin, end] = [minuteOf(from), minuteOf(to)]
  if (begin === undefined || end === undefined || more.length > 0 || begin === end) {
    throw new TypeError(`Expected two times of the day such as 02:00-05:00, found ${JSON.stringify(text)}.`)
  }
  return { fromMinute: begin, lengthMinutes: (end - begin + DAY_MINUTES) % DAY_MINUTES }
}

function minuteOf(text: string): number | undefined {
  const [, hour, minute] = CLOCK.exec(text) ?? []
  return hour === undefined || minute === undefined ? undefined : Number(hour) * 60 + Number(minute)
}

/**
 * What runs: always the operator's own tool, and never anything of a release.
 * @throws TypeError when it is not
 */
export function scheduledCommand({ root, command, appliesShell }: KitSchedule): readonly string[] {
  for (const path of command) {
    if (!path.startsWith('/')) throw new TypeError(`Expected an absolute path of what runs, found ${path}.`)
    // Of a release, and gone after the next one.
    if (path.startsWith(`${root}/.kit/`)) {
      throw new TypeError(`Expected the tool that you have installed, found ${path}, which a release has brought.`)
    }
  }
  const args = appliesShell ? ['kit', 'apply', '--unasked'] : ['kit', 'check']
  return [...command, ...args, '--root', root, '--json']
}

/** A short word for a root: several kits on a machine have a schedule each. */
export function scheduleNameOf(root: string): string {
  const words = root.toLowerCase().match(/[a-z0-9]+/g) ?? []
  return `hotpatch-kit-${words.slice(-2).join('-').slice(0, 40) || 'root'}-${checksumOf(root)}`
}

/** FNV-1a 32. */
function checksumOf(text: string): string {
  let hash = 0x811c9dc5
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0
  return hash.toString(16).padStart(8, '0')
}

/** Control characters would begin another line in files of lines. @throws TypeError */
export function expectOneLine(texts: readonly string[]): void {
  // oxlint-disable-next-line no-control-regex -- it is control characters that none may have
  const found = texts.find((text) => /[\u0000-\u001f\u007f]/.test(text))
  if (found !== undefined) {
    throw new TypeError(`Expected a path of one line, without control characters; found ${JSON.stringify(found)}.`)
  }
}
