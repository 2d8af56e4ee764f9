export { createFileCheckStore } from './file-check-store.ts'
export { createInstallationChecks, type InstallationChecksOptions } from './installation-checks.ts'
export { nodeCheckPorts } from './node-check-ports.ts'
export { openKitChecks } from './open-kit-checks.ts'
