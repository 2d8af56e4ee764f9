export {
  isAddress,
  isAllowedAddress,
  joinAddress,
  lastWordOf,
  mayLeadTo,
  resolveLocation,
  type AllowInsecure,
} from './addresses.ts'
export { concat } from './concat.ts'
export { AnswerTooLongError, exchangeSmall, retryAfter, timeOfHttpDate, type SmallAnswer } from './exchange.ts'
export type {
  ClockPort,
  CryptoPort,
  FilesPort,
  FileStat,
  Hasher,
  HttpExchange,
  HttpPort,
  HttpRequest,
  HttpResponse,
} from './ports.ts'
export { messageOf } from './message-of.ts'
export { createStop, type Stop, type Stopped } from './stop.ts'
export { backOff, sleep, TookTooLongError, within } from './waiting.ts'
