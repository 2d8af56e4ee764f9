/** What servers on one database tell each other about. */
export type ChangeTopic = 'catalogs' | 'announcements'

/** Tells other servers on the same database that something changed, and hears it from them. */
export interface ChangeFeed {
  /** `detail` says what changed; it is empty when many things may have, as after a time in which nothing was heard. */
  on(topic: ChangeTopic, listener: Hear): void
  /** Begins to hear; resolves when nothing of what other processes of this machine changed before is missing. */
  start(): Promise<void>
  /** Resolves when the other processes of this machine have taken it in, or seem to hang. */
  send(topic: ChangeTopic, detail: string): Promise<void>
  close(): Promise<void>
}

/** Resolves when what changed was taken in. */
export type Hear = (detail: string) => void | Promise<void>
