import { InvalidArgumentError } from 'commander'

/** Such as 30 or 0: how long a new device has to be seen. */
export function readObservedMinutes(text: string): number {
  const minutes = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN
  if (minutes <= 10_080) return minutes
  throw new InvalidArgumentError('Expected minutes from 0 to 10080, a week.')
}

/** Such as 1% or 0.5. */
export function readNetworkPercent(text: string): number {
  const percent = Number(/^(\d{1,3}(?:\.\d{1,4})?)\s*%?$/.exec(text)?.[1] ?? Number.NaN)
  if (percent > 0 && percent <= 100) return percent
  throw new InvalidArgumentError('Expected a percentage above 0 and up to 100, such as 1% or 100.')
}
