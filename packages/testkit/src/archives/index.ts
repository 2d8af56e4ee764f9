export * from './archive-builder.ts'
export type * from './archive-case.ts'
export * from './archive-cases.ts'
