export * from './redis-server.ts'
export * from './relay.ts'
