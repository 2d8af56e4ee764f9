/** Any array, or a list of which not all rows are there: `at` has none of those that are on their way. */
export interface Rows<Row> {
  readonly length: number
  at(index: number): Row | undefined
}
