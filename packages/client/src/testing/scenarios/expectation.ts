const ANY = '<any text>'

/** What was found, with every text that the expectation leaves open replaced by what the expectation says of it. */
export function loosened(found: unknown, expected: unknown): unknown {
  if (typeof found === 'string' && typeof expected === 'string' && expected.endsWith(ANY)) {
    return found.startsWith(expected.slice(0, -ANY.length)) ? expected : found
  }
  if (Array.isArray(found)) {
    const list: unknown[] = Array.isArray(expected) ? expected : []
    return found.map((item, index) => loosened(item, list[index]))
  }
  if (typeof found !== 'object' || found === null) return found
  const object = (typeof expected === 'object' && expected !== null ? expected : {}) as Record<string, unknown>
  return Object.fromEntries(
    Object.entries(found).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, loosened(value, object[name])]],
    ),
  )
}

/** The opposite, for what is written down: details of what went wrong are for people, and each engine has its own. */
export function openDetails(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(openDetails)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).flatMap(([name, each]) =>
    each === undefined ? [] : [[name, openDetails(each)]],
  )
  const opened = Object.fromEntries(entries) as Record<string, unknown>
  const { detail, code, kind } = opened
  if (typeof detail !== 'string' || typeof kind !== 'string') return opened
  // The reason in front is a code.
  if (code === 'patch-failed' || code === 'decryption-failed')
    return { ...opened, detail: `${detail.slice(0, detail.indexOf(':') + 1)} ${ANY}` }
  return kind.endsWith('failed') ? { ...opened, detail: ANY } : opened
}
