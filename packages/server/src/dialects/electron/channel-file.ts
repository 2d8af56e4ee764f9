import { DEFAULT_CHANNEL } from '@hotpatch/api'
import { problem } from '@hotpatch/protocol'
import type { ElectronPlatform } from './electron-takes.ts'

/** Electron §2: what the client calls the channel that an app is on if it says nothing. */
const LATEST = 'latest'

const FILE = /^(.+?)(?:-(mac)|-(linux)(?:-(arm64|armv7l|arm|ia32|loong64|ppc64|riscv64|s390x))?)?\.yml$/

/** What a client asks for by the name of a file. */
export interface ChannelFile {
  channel: string
  platform: ElectronPlatform
  /** Of Linux alone, which has a file for each; as Node calls it. */
  architecture: string | undefined
}

/** @throws problem not-found */
export function readChannelFile(name: string): ChannelFile {
  const [, channel, mac, linux, architecture = 'x64'] = FILE.exec(name) ?? []
  if (channel === undefined) {
    const expected = 'a file such as latest.yml, beta-mac.yml or latest-linux-arm64.yml'
    throw problem('not-found', `Expected ${expected}, found "${name.slice(0, 100)}".`)
  }
  const platform = mac ? 'macos' : linux ? 'linux' : 'windows'
  return {
    channel: channel === LATEST ? DEFAULT_CHANNEL : channel,
    platform,
    architecture: linux && architecture,
  }
}
