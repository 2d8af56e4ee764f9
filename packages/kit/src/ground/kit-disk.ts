import type { FilesPort } from '@hotpatch/device-ground'

/** Who may do what with a file: what replaces it gets the same, as services may run as other users than the coordinator. */
export interface FileRights {
  /** Permission bits, such as 0o640. */
  mode: number
  owner?: number
  group?: number
}

/**
 * The folder that a kit is installed in. Paths are relative to it, with "/" between names, and none leads out of it:
 * whatever has "..", ".", "\" or an empty name is refused (`path-escapes`), and so is every link on the way, but for those
 * to versions that the coordinator keeps (Kits §8.2). What is written, renamed or removed is never what a link at the end
 * of its path points to. Beside what every client needs of files there are links, by which a whole folder is exchanged at
 * once, and who may do what.
 *
 * Content, and rights, are durable when what writes them resolves; names are after `syncDirectory` of their folder.
 */
export interface KitDisk extends FilesPort {
  /** The names in a folder, in their order; undefined when there is no such folder. */
  list(path: string): Promise<string[] | undefined>
  /** Where a link points, as it was written; undefined when there is no link. */
  readLink(path: string): Promise<string | undefined>
  /**
   * A link at `path` to `target`, which is relative to the link's folder and leads to a kept version. Takes the place of
   * another link at once: nobody ever sees none. Refused (EEXIST) where something else lies. Durable after `syncDirectory`.
   */
  link(target: string, path: string): Promise<void>
  /** A file that is not there yet, whole and durable; false when something is there already. Of two that try, one gets it. */
  create(path: string, bytes: Uint8Array): Promise<boolean>
  /** Of a file: whether it can be executed, by whoever may read it. */
  setExecutable(path: string, isExecutable: boolean): Promise<void>
  /** Of a file; undefined when there is none. Never follows a link. */
  rights(path: string): Promise<FileRights | undefined>
  /** Owner and group as far as this process may give them away: where it may not, they stay, and that is no error. */
  setRights(path: string, rights: FileRights): Promise<void>
  /** The same bytes at another place, durable; with its rights. Replaces a file there. */
  copyFile(from: string, to: string): Promise<void>
}
