/** What a worker says to the primary process. */
export type FromWorker =
  /** From here on it hears what others tell, and is asked. */
  | { kind: 'hears' }
  /** It listens. */
  | { kind: 'serves' }
  /** To all others that hear. */
  | { kind: 'tell'; topic: string; body: unknown }
  | { kind: 'ask'; id: number; topic: string; body: unknown }
  /** To the question that the primary gave this id. */
  | { kind: 'answer'; id: number; body: unknown }

/** What the primary process says to a worker. */
export type FromPrimary =
  /** It hears. */
  | { kind: 'joined' }
  /** What is to be done once, it does. */
  | { kind: 'elected' }
  /** Another one has taken its place: it answers what is asked on its connections, and ends. */
  | { kind: 'leave' }
  | { kind: 'told'; topic: string; body: unknown }
  | { kind: 'asked'; id: number; topic: string; body: unknown }
  /** What all others said that heard the question; undefined for one that ended instead. */
  | { kind: 'answered'; id: number; answers: unknown[] }

/** Figures of one process, in the form in which they are added up. */
export const METRICS_TOPIC = 'metrics'
