/** Patches §7. */
export type PatchErrorCode =
  | 'patch-damaged'
  | 'patch-too-large'
  | 'packing-unsupported'
  | 'base-differs'
  | 'result-differs'
  | 'too-expensive'

/** Why a patch was not made or not applied. Whoever applies it then takes the full download. */
export class PatchError extends Error {
  override name = 'PatchError'
  readonly code: PatchErrorCode

  constructor(code: PatchErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** Reads `throw damaged('Expected …, found …')`. */
export function damaged(message: string): PatchError {
  return new PatchError('patch-damaged', message)
}
