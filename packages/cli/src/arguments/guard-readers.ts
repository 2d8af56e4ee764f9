import { InvalidArgumentError } from 'commander'

const PERCENT = /^(\d{1,3}(?:\.\d{1,4})?)\s*%?$/

/** Such as 2% or 0.5: of the devices that tried it, how many may be bad. */
export function readGuardLimit(text: string): number {
  const limit = Number(PERCENT.exec(text)?.[1] ?? Number.NaN)
  if (limit > 0 && limit <= 100) return limit
  throw new InvalidArgumentError('Expected a percentage above 0 and up to 100, such as 2% or 0.5.')
}

export function readGuardSample(text: string): number {
  const sample = /^\d{1,7}$/.test(text) ? Number(text) : 0
  if (sample >= 10 && sample <= 1_000_000) return sample
  throw new InvalidArgumentError('Expected a number of devices from 10 to 1000000.')
}

/** In hours, such as 24h or 3d. */
export function readGuardWindow(text: string): number {
  const [, count = '', unit = 'h'] = /^(\d{1,3})([hd])?$/.exec(text) ?? []
  const hours = Number(count) * (unit === 'd' ? 24 : 1)
  if (hours >= 1 && hours <= 720) return hours
  throw new InvalidArgumentError('Expected from 1h to 30d, such as 24h or 3d.')
}

/** How many times as bad as the release before; off: not compared. */
export function readGuardTimes(text: string): number | 'off' {
  if (text === 'off') return text
  const times = /^\d{1,4}(?:\.\d{1,2})?$/.test(text) ? Number(text) : 0
  if (times >= 1 && times <= 1000) return times
  throw new InvalidArgumentError('Expected a number from 1 to 1000, such as 2 or 1.5, or "off".')
}

/** As the API has it. Commander would make an empty text of a reader's null. */
export function timesOrNull(times: number | 'off' | undefined): number | null | undefined {
  return times === 'off' ? null : times
}
