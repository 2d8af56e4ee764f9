/** What makes the target of the base: for each step, three whole numbers. */
export interface Differences {
  /**
   * Of each step: how many bytes come of adding as many of `added` to those of the base, how many of `inserted` follow,
   * and where in the base it goes on, from where those of the base ended.
   */
  steps: Int32Array
  /** Byte by byte the target less the base. */
  added: Uint8Array
  inserted: Uint8Array
  targetBytes: number
}
