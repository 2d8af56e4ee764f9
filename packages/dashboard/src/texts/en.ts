import { byNamespace } from './by-namespace.ts'

export default byNamespace(import.meta.glob<object>('./en/*.json', { eager: true, import: 'default' }))
