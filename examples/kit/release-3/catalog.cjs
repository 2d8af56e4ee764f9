#!/usr/bin/env node
// The shop's catalog: one file that is executed, as a compiled program would be.
const { createServer } = require('node:http')

const VERSION = '1.2.0'
const server = createServer((request, response) => {
  response.writeHead(200, { 'content-type': 'application/json' })
  response.end(JSON.stringify({ version: VERSION, count: 18 }))
})
server.listen(Number(process.env.PORT), '127.0.0.1')

process.on('SIGTERM', () => {
  server.close(() => process.exit(0))
  server.closeIdleConnections()
})
