export { isBuildId, NO_BUILD } from './build-ids.ts'
export { COHORTS, numericCohortOf, placeOfCohort, readNumericCohort } from './cohorts.ts'
export { HOT_UPDATER_MANIFEST, readHotUpdaterManifest, type HotUpdaterManifest } from './manifest.ts'
