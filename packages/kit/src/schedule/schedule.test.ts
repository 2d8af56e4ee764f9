import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DOMParser, type Element } from '@xmldom/xmldom'
import { assert, double, property, string } from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  launchAgent,
  readScheduleInterval,
  readScheduleWindow,
  scheduleNameOf,
  systemdUnits,
  type KitSchedule,
} from './index.ts'

const SCHEDULE: KitSchedule = {
  root: '/srv/my kit',
  command: ['/usr/bin/node', '/usr/lib/node_modules/hotpatch/bin/hotpatch.js'],
  every: { kind: 'days', days: 1 },
  window: undefined,
  appliesShell: false,
  scope: 'user',
  random: () => 0.5,
}

const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0

describe('when', () => {
  test.each([
    ['24h', { kind: 'days', days: 1 }],
    ['1d', { kind: 'days', days: 1 }],
    ['7d', { kind: 'days', days: 7 }],
    ['6h', { kind: 'hours', hours: 6 }],
  ])('%s', (text, interval) => expect(readScheduleInterval(text)).toEqual(interval))

  test.each(['', '0h', '5h', '24', '2d', '1m', '-1h', '24h\nExecStart=x'])('%j is refused', (text) => {
    expect(() => readScheduleInterval(text)).toThrow(/Expected one of 1h, 2h/)
  })

  test('in hours of the day, also over midnight', () => {
    expect(readScheduleWindow('02:00-05:30')).toEqual({ fromMinute: 120, lengthMinutes: 210 })
    expect(readScheduleWindow('23:30-00:15')).toEqual({ fromMinute: 1_410, lengthMinutes: 45 })
    for (const text of ['', '2-5', '02:00', '02:00-02:00', '25:00-26:00', '02:00-05:00-06:00']) {
      expect(() => readScheduleWindow(text)).toThrow(/Expected two times of the day/)
    }
  })
})

describe('systemd', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kit-units-'))
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  test('a check a day, at a moment of this machine, and later where it was off', () => {
    const [service, timer] = systemdUnits(SCHEDULE)
    expect(service?.text).toContain(
      'ExecStart="/usr/bin/node" "/usr/lib/node_modules/hotpatch/bin/hotpatch.js" "kit" "check" "--root" "/srv/my kit" "--json"\n',
    )
    expect(service?.text).toContain('Type=oneshot\n')
    for (const line of [
      'OnCalendar=*-*-* 00:00:00',
      'RandomizedDelaySec=86399',
      'Persistent=yes',
      'FixedRandomDelay=yes',
    ]) {
      expect(timer?.text).toContain(`${line}\n`)
    }
  })

  const schedules: [string, Partial<KitSchedule>][] = [
    ['a check a day', {}],
    ['of the machine, within hours', { scope: 'system', window: { fromMinute: 1_410, lengthMinutes: 45 } }],
    ['every six hours', { every: { kind: 'hours', hours: 6 } }],
    ['on Sundays, with what may be applied unasked', { every: { kind: 'days', days: 7 }, appliesShell: true }],
    ['of a root with characters that mean something', { root: '/srv/50% "$HOME" \\n; kit\u2028é' }],
  ]

  test.skipIf(!hasSystemd).each(schedules)('systemd itself has nothing against %s', async (_what, changes) => {
    // What is to be run has to be there.
    const command = [process.execPath, process.execPath] as const
    const units = systemdUnits({ ...SCHEDULE, command, ...changes })
    for (const { name, text } of units) await writeFile(join(folder, name), text)
    const scope = changes.scope === 'system' ? '--system' : '--user'
    const paths = units.map(({ name }) => join(folder, name))
    const env = { ...process.env, XDG_RUNTIME_DIR: folder, HOME: folder }
    const { status, stderr } = spawnSync('systemd-analyze', [scope, 'verify', '--man=no', ...paths], { env })
    const said = stderr
      .toString()
      .split('\n')
      .filter((line) => line.includes(folder) || line.includes('hotpatch-kit-'))
    expect(said).toEqual([])
    expect(status).toBe(0)
  })

  test.skipIf(!hasSystemd)('systemd itself would have something against a mistake', async () => {
    const [service] = systemdUnits({ ...SCHEDULE, command: [process.execPath] })
    const path = join(folder, 'broken.service')
    await writeFile(path, (service?.text ?? '').replace('ExecStart="/', 'ExecStart="nowhere/'))
    const { stderr } = spawnSync('systemd-analyze', ['--system', 'verify', '--man=no', path])
    expect(stderr.toString()).toContain('broken.service')
  })

  test.skipIf(!hasSystemd)('systemd itself reads the calendar', () => {
    for (const [, changes] of schedules) {
      const [, timer] = systemdUnits({ ...SCHEDULE, ...changes })
      const calendar = /^OnCalendar=(.*)$/m.exec(timer?.text ?? '')?.[1] ?? ''
      expect(execFileSync('systemd-analyze', ['calendar', calendar]).toString()).toContain('Next elapse')
    }
  })
})

describe('launchd', () => {
  /** As far as a plist of ours goes. */
  function readPlist(text: string): unknown {
    const document = new DOMParser().parseFromString(text, 'text/xml')
    const root = document.documentElement
    expect(root?.tagName).toBe('plist')
    return valueOf(childrenOf(root as Element)[0] as Element)
  }

  const childrenOf = (element: Element) =>
    Array.from(element.childNodes as unknown as ArrayLike<Element>).filter(({ nodeType }) => nodeType === 1)

  function valueOf(element: Element): unknown {
    const children = childrenOf(element)
    switch (element.tagName) {
      case 'string':
        return element.textContent
      case 'integer':
        return Number(element.textContent)
      case 'true':
      case 'false':
        return element.tagName === 'true'
      case 'array':
        return children.map(valueOf)
      case 'dict': {
        const keys = children.filter((_, index) => index % 2 === 0)
        expect(keys.every(({ tagName }) => tagName === 'key')).toBe(true)
        return Object.fromEntries(
          keys.map((key, index) => [key.textContent, valueOf(children[2 * index + 1] as Element)]),
        )
      }
      default:
        throw new Error(`no plist has <${element.tagName}>`)
    }
  }

  test('says the same to a reader of plists', () => {
    const { name, text } = launchAgent({ ...SCHEDULE, root: '/srv/<kit> & "more"' })
    const label = name.replace(/\.plist$/, '')
    expect(readPlist(text)).toEqual({
      Label: label,
      ProgramArguments: [...SCHEDULE.command, 'kit', 'check', '--root', '/srv/<kit> & "more"', '--json'],
      StartCalendarInterval: [{ Hour: 12, Minute: 0 }],
      RunAtLoad: false,
      ProcessType: 'Background',
      LowPriorityIO: true,
      Umask: 0o077,
    })
  })

  test.each([
    ['every six hours', { every: { kind: 'hours', hours: 6 } }, [3, 9, 15, 21].map((Hour) => ({ Hour, Minute: 0 }))],
    ['on Sundays', { every: { kind: 'days', days: 7 } }, [{ Weekday: 0, Hour: 12, Minute: 0 }]],
    ['over midnight', { window: { fromMinute: 1_410, lengthMinutes: 90 } }, [{ Hour: 0, Minute: 15 }]],
  ] as [string, Partial<KitSchedule>, object[]][])('%s', (_what, changes, moments) => {
    const { text } = launchAgent({ ...SCHEDULE, ...changes })
    expect((readPlist(text) as { StartCalendarInterval: object[] }).StartCalendarInterval).toEqual(moments)
  })

  test('whatever a machine draws, it is within its hours', () => {
    assert(
      property(double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (drawn) => {
        const window = { fromMinute: 120, lengthMinutes: 180 }
        const { text } = launchAgent({ ...SCHEDULE, window, random: () => drawn })
        const [moment] = (readPlist(text) as { StartCalendarInterval: { Hour: number; Minute: number }[] })
          .StartCalendarInterval
        const at = (moment?.Hour ?? 0) * 60 + (moment?.Minute ?? 0)
        expect(at >= 120 && at < 300).toBe(true)
      }),
    )
  })
})

describe('whatever the root is called', () => {
  test('no line is added to a unit, and the name is a name', () => {
    assert(
      property(string({ unit: 'binary', minLength: 1, maxLength: 60 }), (name) => {
        const root = `/srv/${name}`
        expect(scheduleNameOf(root)).toMatch(/^hotpatch-kit-[a-z0-9-]+$/)
        let units
        try {
          units = systemdUnits({ ...SCHEDULE, root })
        } catch (error) {
          expect((error as Error).message).toMatch(/Expected a path of one line/)
          return
        }
        const [plain] = systemdUnits(SCHEDULE)
        expect(units[0]?.text.split('\n').length).toBe(plain?.text.split('\n').length)
      }),
    )
  })

  test('two kits have two schedules', () => {
    expect(scheduleNameOf('/srv/a/kit')).not.toBe(scheduleNameOf('/srv/b/kit'))
    expect(scheduleNameOf('/srv/a-kit')).not.toBe(scheduleNameOf('/srv/a/kit'))
  })
})

test.each([
  [
    'of a release',
    ['/usr/bin/node', '/srv/my kit/.kit/coordinator/versions/x/coordinator.mjs'],
    /which a release has brought/,
  ],
  ['by a name that is looked up', ['node', '/x'], /Expected an absolute path/],
])('nothing is run %s', (_what, command, message) => {
  const schedule = { ...SCHEDULE, command: command as [string, string] }
  expect(() => systemdUnits(schedule)).toThrow(message)
  expect(() => launchAgent(schedule)).toThrow(message)
})
