/** `./en/rollouts.json` has the texts of `useTranslation('rollouts')`. */
export function byNamespace(files: Record<string, object>): Record<string, object> {
  return Object.fromEntries(
    Object.entries(files).map(([path, texts]) => [/([a-z-]+)\.json$/.exec(path)?.[1] ?? path, texts]),
  )
}
