import {
  expectOneLine,
  SCHEDULE_MARK,
  scheduledCommand,
  scheduleNameOf,
  type KitSchedule,
  type ScheduleFile,
} from './kit-schedule.ts'

/** Of a check; an apply takes as long as its downloads, which have bounds of their own. */
const CHECK_SECONDS = 300
const APPLY_SECONDS = 6 * 3_600
const HOUR_SECONDS = 3_600

/**
 * A service and its timer. systemd starts no second one while the first is under way.
 * @throws TypeError for a path that no unit can have
 */
export function systemdUnits(schedule: KitSchedule): ScheduleFile[] {
  const { root, scope, appliesShell } = schedule
  const command = scheduledCommand(schedule)
  expectOneLine(command)
  const name = scheduleNameOf(root)
  const service = [
    `# ${SCHEDULE_MARK}`,
    '[Unit]',
    `Description=Looks for an update of the kit in ${escapePercent(root)}`,
    ...(scope === 'system' ? ['Wants=network-online.target', 'After=network-online.target'] : []),
    '',
    '[Service]',
    'Type=oneshot',
    `ExecStart=${command.map(quote).join(' ')}`,
    `TimeoutStartSec=${appliesShell ? APPLY_SECONDS : CHECK_SECONDS}`,
    // An update that is there is no failure of the machine, nor is a network that is away.
    `SuccessExitStatus=${appliesShell ? '' : '1 '}3 4`,
    'UMask=0077',
    'NoNewPrivileges=yes',
    'Nice=10',
    'IOSchedulingClass=idle',
  ]
  const { calendar, delaySeconds } = calendarOf(schedule)
  const timer = [
    `# ${SCHEDULE_MARK}`,
    '[Unit]',
    `Description=When to look for an update of the kit in ${escapePercent(root)}`,
    '',
    '[Timer]',
    `OnCalendar=${calendar}`,
    `RandomizedDelaySec=${delaySeconds}`,
    // Each machine keeps its own moment.
    'FixedRandomDelay=yes',
    // For what was off at its time.
    'Persistent=yes',
    `Unit=${name}.service`,
    '',
    '[Install]',
    'WantedBy=timers.target',
  ]
  return [
    { name: `${name}.service`, text: `${service.join('\n')}\n` },
    { name: `${name}.timer`, text: `${timer.join('\n')}\n` },
  ]
}

function calendarOf({ every, window }: KitSchedule): { calendar: string; delaySeconds: number } {
  const days = every.kind === 'days' && every.days === 7 ? 'Sun *-*-*' : '*-*-*'
  if (window) {
    const at = `${twoDigits(Math.floor(window.fromMinute / 60))}:${twoDigits(window.fromMinute % 60)}:00`
    return { calendar: `${days} ${at}`, delaySeconds: window.lengthMinutes * 60 }
  }
  if (every.kind === 'days' || every.hours === 24)
    return { calendar: `${days} 00:00:00`, delaySeconds: 24 * HOUR_SECONDS - 1 }
  return { calendar: `*-*-* 00/${every.hours}:00:00`, delaySeconds: every.hours * HOUR_SECONDS - 1 }
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0')
}

/** systemd.service(5): in quotes, with C's escapes; "%" begins a specifier, "$" a variable. */
function quote(text: string): string {
  const escaped = text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('$', '$$$$')
  return `"${escapePercent(escaped)}"`
}

function escapePercent(text: string): string {
  return text.replaceAll('%', '%%')
}
