import { CORE_LIMIT_BYTES, measureSize } from '../../packages/capacitor/src/testing/measure-size.ts'
import { measureSize as measureAppUpdates } from '../../packages/app-updates/src/testing/measure-size.ts'
import type { Finding, Measurement } from '../finding.ts'

/** No time is measured: it is the same on every machine. */
export const size: Measurement = {
  name: 'size',
  async measure() {
    const [core, dom, react, updater, elements] = await Promise.all([
      measureSize('index.ts'),
      measureSize('dom/index.ts'),
      measureSize('react/index.ts'),
      measureAppUpdates('index.ts'),
      measureAppUpdates('ui/index.ts'),
    ])
    const finding = (what: string, { compressedBytes }: { compressedBytes: number }, name = 'capacitor'): Finding => ({
      what: `@hotpatch/${name}, ${what}`,
      value: compressedBytes,
      unit: 'bytes',
    })
    const met = core.compressedBytes < CORE_LIMIT_BYTES
    return [
      { ...finding('core', core), budget: `< ${CORE_LIMIT_BYTES}, by gzip`, met },
      finding('dialogs beside it', dom),
      finding('dialogs by React beside it', react),
      finding('core', updater, 'app-updates'),
      finding('elements beside it', elements, 'app-updates'),
    ]
  },
}
