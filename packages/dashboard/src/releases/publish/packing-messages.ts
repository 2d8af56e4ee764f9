/** What the page and the thread that packs tell each other. */
export interface PackFile {
  path: string
  file: File
}

export type PackQuestion = { kind: 'zip'; files: readonly PackFile[] } | { kind: 'digest'; files: readonly PackFile[] }

export type PackAnswer =
  | { kind: 'progress'; doneBytes: number }
  | { kind: 'zipped'; blob: Blob; sha256: string }
  | { kind: 'digested'; sha256s: readonly string[] }
  | { kind: 'failed'; path: string; message: string }
