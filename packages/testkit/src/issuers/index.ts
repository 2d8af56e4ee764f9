export { startCiIssuer, type CiIssuer, type CiTokenOptions } from './ci-issuer.ts'
