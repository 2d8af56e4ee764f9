export { createNodeHttp } from './node-http.ts'
export { createNodeSha256 } from './node-sha256.ts'
