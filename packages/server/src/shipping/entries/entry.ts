/** One file of a release, by what tells whether two are the same. */
export interface Entry {
  path: string
  /** Of a binary: as people save it. */
  name?: string
  sizeBytes: number
  packedBytes: number | null
  sha256: string | null
  /** Equal of two files that are the same. Only entries of one kind of content are compared. */
  sameness: string
}

export function byPath(a: { path: string }, b: { path: string }): number {
  return a.path < b.path ? -1 : a.path > b.path ? 1 : 0
}
