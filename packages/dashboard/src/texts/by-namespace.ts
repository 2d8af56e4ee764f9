/** `./en/rollouts.json` has the texts of `useTranslation('rollouts')`. */
export function byNamespace(files: Record<string, object>): Record<string, object> {
  return Object.fromEntries(
    Object.entries(files).map(([path, texts]) => [/([a-z-]+)\.json$/.exec(path)?.[1] ?? path, withMany(texts)]),
  )
}

/** Spanish and French say millions otherwise than other numbers ("un million de"): as our texts do not, they are the same. */
function withMany<Texts extends object>(texts: Texts): Texts {
  const all = Object.entries(texts).flatMap(([key, text]: [string, unknown]): [string, unknown][] => {
    if (typeof text === 'object' && text !== null) return [[key, withMany(text)]]
    const many = key.endsWith('_other') ? key.replace(/other$/, 'many') : undefined
    return many === undefined || many in texts
      ? [[key, text]]
      : [
          [key, text],
          [many, text],
        ]
  })
  return Object.fromEntries(all) as Texts
}
