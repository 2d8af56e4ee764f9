/** A clock that stands still until it is moved. */
export function fixedClock(start = '2027-01-01T00:00:00Z') {
  let now = Date.parse(start)
  return {
    now: () => now,
    advance(milliseconds: number) {
      now += milliseconds
    },
  }
}
