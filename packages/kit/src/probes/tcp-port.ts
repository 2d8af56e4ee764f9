/** Whether somebody takes a connection; nothing is sent. */
export interface TcpPort {
  open(address: { host: string; port: number }): TcpAttempt
}

export interface TcpAttempt {
  /** Rejects with the reason when nobody does. */
  connected: Promise<void>
  /** Ends the attempt, or the connection. */
  close(): void
}
