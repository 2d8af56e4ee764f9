export { createFileCheckStore } from './file-check-store.ts'
export { nodeCheckPorts } from './node-check-ports.ts'
