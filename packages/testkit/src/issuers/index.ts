export { startCiIssuer, type CiIssuer, type CiTokenOptions } from './ci-issuer.ts'
export { startOpenIdProvider, type Account, type OpenIdProvider } from './open-id-provider.ts'
