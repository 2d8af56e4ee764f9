export * from './archive-builder.ts'
export * from './archive-cases.ts'
