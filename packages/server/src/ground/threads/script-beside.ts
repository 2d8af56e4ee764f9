/** A module beside the one that asks, for a thread: TypeScript here, JavaScript in the published package. */
export function scriptBeside(moduleUrl: string, name: string): URL {
  return new URL(`./${name}.${moduleUrl.endsWith('.ts') ? 'ts' : 'js'}`, moduleUrl)
}
