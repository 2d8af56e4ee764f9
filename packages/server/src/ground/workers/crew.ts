/** The processes of this machine that serve behind one port, as one of them knows them. */
export interface Crew {
  /** How many they are; 1: this one, and nobody else. */
  size: number
  /** Whether it makes what is made once, when the server starts. */
  isFirst: boolean
  /** What others tell or ask; what comes of it is the answer. Of several listeners the last one's counts. */
  on(topic: string, listener: (body: unknown) => unknown): void
  /** To all others. It may not arrive. */
  tell(topic: string, body: unknown): void
  /**
   * What all others answer.
   * @throws problem unavailable when one of them does not in time
   */
  ask(topic: string, body: unknown): Promise<unknown[]>
  /** Resolves when all that is told from now on arrives here: whatever was known before is to be read anew. */
  join(): Promise<void>
  /** Called once, if ever: from then on what is to be done once is this one's. */
  whenElected(begin: () => void): void
  /** Of what whoever is elected does: what has it done there, wherever it is called. */
  atElected(name: string, run: () => void): () => void
}

/** One process and nothing more. */
export const ALONE: Crew = {
  size: 1,
  isFirst: true,
  on: () => undefined,
  tell: () => undefined,
  ask: () => Promise.resolve([]),
  join: () => Promise.resolve(),
  whenElected: (begin) => begin(),
  atElected: (_name, run) => run,
}
