/** One value of what was and what is, by its place, such as "guard.maxPercentage". */
export interface Difference {
  place: string
  before: string | undefined
  after: string | undefined
  isChanged: boolean
}

const MAX_ROWS = 500

/** What was and what is, value by value: those that differ first. */
export function differences(before: unknown, after: unknown): Difference[] {
  const [old, now] = [flat(before), flat(after)]
  const places = [...new Set([...old.keys(), ...now.keys()])]
  const rows = places.map((place) => {
    const [was, is] = [old.get(place), now.get(place)]
    return { place, before: was, after: is, isChanged: was !== is }
  })
  return [...rows.filter(({ isChanged }) => isChanged), ...rows.filter(({ isChanged }) => !isChanged)].slice(
    0,
    MAX_ROWS,
  )
}

function flat(value: unknown, place = '', into = new Map<string, string>()): Map<string, string> {
  if (value === null || value === undefined) {
    if (place !== '') into.set(place, '–')
  } else if (isRecord(value)) {
    // Of one without members there is nothing to say.
    for (const [name, member] of Object.entries(value)) flat(member, place === '' ? name : `${place}.${name}`, into)
  } else into.set(place, textOf(value))
  return into
}

/** Lists of single values stand in one line each; what else there is, as JSON. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  if (Array.isArray(value) && value.every((item) => typeof item !== 'object')) return value.join(', ') || '[]'
  return JSON.stringify(value, null, 2)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
