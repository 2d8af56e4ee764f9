export { loadHotUpdaterBsdiff } from './hot-updater-bsdiff.ts'
