/** Device ids, notes and error texts come from elsewhere: without their control characters they cannot steer a terminal. */
export function printable(text: string): string {
  // eslint-disable-next-line no-control-regex -- these are the characters to take out
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, '\uFFFD')
}

export function formatBytes(sizeBytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB']
  const power = Math.min(Math.floor(Math.log10(Math.max(sizeBytes, 1)) / 3), units.length - 1)
  const value = sizeBytes / 1000 ** power
  return `${power === 0 ? value : value.toFixed(value < 10 ? 2 : 1)} ${units[power]}`
}

export function formatCount(count: number, singular: string, plural = `${singular}s`): string {
  return `${count} ${count === 1 ? singular : plural}`
}

/** Such as "android and ios". */
export function formatList(names: readonly string[]): string {
  return new Intl.ListFormat('en').format(names)
}

/** Anything that the API has in a field, as a person reads it. */
export function formatValue(value: unknown): string {
  if (value === null || value === undefined || value === '') return '-'
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  if (Array.isArray(value)) return value.length > 0 ? value.map(formatValue).join(', ') : '-'
  if (typeof value === 'object') {
    return formatValue(Object.entries(value).map(([name, found]) => `${name} ${formatValue(found)}`))
  }
  return printable(typeof value === 'string' ? value : JSON.stringify(value))
}
