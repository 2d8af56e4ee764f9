/** The folder of PostgreSQL's programs, or undefined. */
export function findPostgres(): string | undefined

export interface PrivatePostgres {
  url: string
  pid(): number | undefined
  startAgain(): Promise<void>
  stop(): Promise<void>
}

export function startPostgres(programs: string, options?: { durable?: boolean }): Promise<PrivatePostgres>
