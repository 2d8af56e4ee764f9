export * from './installed-kit.ts'
export { KIT_CODES, type KitCode } from './kit-codes.ts'
export {
  KIT_COMPONENT_ID,
  KIT_COMPONENT_KINDS,
  KIT_FILE_FORMATS,
  MAX_KIT_COMPONENTS,
  type KitComponent,
  type KitComponentKind,
  type KitFile,
  type KitFileFormat,
} from './kit-component.ts'
export * from './kit-manifest.ts'
export { parsePlainJson } from './plain-json.ts'
export { PROBE_DEFAULTS, type KitProbe } from './kit-probe.ts'
export type { KitRepair } from './kit-repair.ts'
