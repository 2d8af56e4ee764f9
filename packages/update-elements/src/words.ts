/** English for languages that are not there. */
export function textsOf<T extends object>(
  all: Readonly<Record<'en', T> & Partial<Record<string, T>>>,
  locale: string | undefined,
  own: Partial<T>,
): T {
  const language = (locale ?? '').toLowerCase().split(/[-_]/)[0] ?? ''
  return { ...((Object.hasOwn(all, language) ? all[language] : undefined) ?? all.en), ...own }
}

export function fill(text: string, values: Readonly<Record<string, string>>): string {
  return text.replaceAll(/\{(\w+)\}/g, (written, name: string) => values[name] ?? written)
}

/** Of a locale that is none: in English. */
export function formatSize(bytes: number, locale: string | undefined): string {
  const [value, unit] =
    bytes >= 1e9 ? [bytes / 1e9, 'gigabyte'] : bytes >= 1e6 ? [bytes / 1e6, 'megabyte'] : [bytes / 1e3, 'kilobyte']
  const options = { style: 'unit', unit, maximumFractionDigits: 1 } as const
  try {
    return new Intl.NumberFormat(locale, options).format(value)
  } catch {
    return new Intl.NumberFormat('en', options).format(value)
  }
}
