import {
  expectOneLine,
  SCHEDULE_MARK,
  scheduledCommand,
  scheduleNameOf,
  type KitSchedule,
  type ScheduleFile,
} from './kit-schedule.ts'

const HOUR_MINUTES = 60
const DAY_MINUTES = 24 * HOUR_MINUTES

/**
 * A LaunchAgent, or of the machine a LaunchDaemon. launchd starts no second one while the first is under way, and runs
 * what was missed in sleep once. It knows no random delay: the minutes are chosen here, once.
 * @throws TypeError for a path that none can have
 */
export function launchAgent(schedule: KitSchedule): ScheduleFile {
  const command = scheduledCommand(schedule)
  expectOneLine(command)
  const label = `dev.${scheduleNameOf(schedule.root).replaceAll('hotpatch-kit-', 'hotpatch.kit.')}`
  const text = [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<!-- ${SCHEDULE_MARK} -->`,
    '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">',
    '<plist version="1.0">',
    '<dict>',
    ...entry('Label', `<string>${escapeXml(label)}</string>`),
    ...entry('ProgramArguments', ...list(command.map((each) => `<string>${escapeXml(each)}</string>`))),
    ...entry('StartCalendarInterval', ...list(momentsOf(schedule).flatMap(momentLines))),
    ...entry('RunAtLoad', '<false/>'),
    ...entry('ProcessType', '<string>Background</string>'),
    ...entry('LowPriorityIO', '<true/>'),
    ...entry('Umask', '<integer>63</integer>'),
    '</dict>',
    '</plist>',
  ]
  return { name: `${label}.plist`, text: `${text.join('\n')}\n` }
}

interface Moment {
  weekday: number | undefined
  hour: number
  minute: number
}

/** launchd's own words for when: a list of moments. */
function momentsOf({ every, window, random }: KitSchedule): Moment[] {
  const weekday = every.kind === 'days' && every.days === 7 ? 0 : undefined
  const hours = every.kind === 'hours' ? every.hours : 24
  const { fromMinute, lengthMinutes } = window ?? { fromMinute: 0, lengthMinutes: hours * HOUR_MINUTES }
  const first = (fromMinute + Math.floor(random() * lengthMinutes)) % DAY_MINUTES
  const count = window ? 1 : 24 / hours
  return Array.from({ length: count }, (_, index) => {
    const at = (first + index * hours * HOUR_MINUTES) % DAY_MINUTES
    return { weekday, hour: Math.floor(at / HOUR_MINUTES), minute: at % HOUR_MINUTES }
  })
}

function momentLines({ weekday, hour, minute }: Moment): string[] {
  const facts = { ...(weekday !== undefined && { Weekday: weekday }), Hour: hour, Minute: minute }
  const lines = Object.entries(facts).flatMap(([name, value]) => entry(name, `<integer>${value}</integer>`))
  return ['<dict>', ...lines, '</dict>']
}

function entry(name: string, ...lines: readonly string[]): string[] {
  return [`<key>${name}</key>`, ...lines].map((line) => `  ${line}`)
}

function list(lines: readonly string[]): string[] {
  return ['<array>', ...lines.map((line) => `  ${line}`), '</array>']
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
