/** As HTTP calls them: those that files are compressed with, the one first that is worth more. */
export const CODINGS = ['br', 'gzip'] as const

export type Coding = (typeof CODINGS)[number]
