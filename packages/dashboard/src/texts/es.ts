import { byNamespace } from './by-namespace.ts'

export default byNamespace(import.meta.glob<object>('./es/*.json', { eager: true, import: 'default' }))
