/** Why bytes cannot be reached: nobody answers in time, or whoever answers does not let us. */
export type StorageFailure = 'unreachable' | 'refused'

/**
 * That artifacts cannot be reached or kept now. Its message is made here: what a store answers may name keys and
 * signatures, and none of it may get into a log.
 */
export class StorageError extends Error {
  override name = 'StorageError'
  readonly failure: StorageFailure

  constructor(failure: StorageFailure, message: string) {
    super(message)
    this.failure = failure
  }
}

/** What is wrong with how the storage is set up, found at the start: its message says what to do. */
export class StorageSetupError extends Error {
  override name = 'StorageSetupError'
}
