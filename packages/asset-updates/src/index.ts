export { assetUpdatesContract } from './contract/asset-updates-contract.ts'
export type { AvailableUpdate, DownloadProgress, Failure, ManagerState } from './manager/manager-state.ts'
export { OTAUpdateManager, type OTAUpdateOptions, type UpdateManagerPorts } from './manager/ota-update-manager.ts'
