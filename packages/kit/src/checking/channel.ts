/** Kits §6: the only one that never asks a server. */
export const DEV_CHANNEL = 'dev'
export const CHANNEL_VARIABLE = 'SUBSTRATUM_UPDATE_CHANNEL'
const DEFAULT_CHANNEL = 'stable'
const CHANNEL = /^[a-z0-9][a-z0-9._-]{0,63}$/

/** Kits §6: the variable of the environment before the profile, and stable where neither says one. */
export function chooseChannel({
  environment = {},
  variable = CHANNEL_VARIABLE,
  profile,
}: {
  environment?: Readonly<Record<string, string | undefined>>
  variable?: string
  profile?: string | undefined
} = {}): string {
  const ofEnvironment = environment[variable]?.trim()
  return ofEnvironment || profile || DEFAULT_CHANNEL
}

export function isChannelName(name: string): boolean {
  return CHANNEL.test(name)
}
