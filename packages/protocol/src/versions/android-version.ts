/** Of the API levels before every one had a version of its own. */
const VERSIONS: Readonly<Record<string, string>> = {
  21: '5.0',
  22: '5.1',
  23: '6.0',
  24: '7.0',
  25: '7.1',
  26: '8.0',
  27: '8.1',
  28: '9',
  29: '10',
  30: '11',
  31: '12',
  32: '12',
}

/** The version that an API level is of, as requirements and rules have it; what is none stays as it is. */
export function androidVersion(level: string): string {
  const known = Object.hasOwn(VERSIONS, level) ? VERSIONS[level] : undefined
  if (known !== undefined || !/^\d{2,3}$/.test(level)) return known ?? level
  // Android 13 has the API level 33, and so on.
  return Number(level) > 32 ? String(Number(level) - 20) : level
}
