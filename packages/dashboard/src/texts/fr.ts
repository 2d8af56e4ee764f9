import { byNamespace } from './by-namespace.ts'

export default byNamespace(import.meta.glob<object>('./fr/*.json', { eager: true, import: 'default' }))
