import type { Explanation } from '@hotpatch/api'

/** Such as "It gets 1.4.0 at once". */
export function describeAnswer({
  kind,
  version,
  mandatory,
  direction,
  minNativeVersion,
}: Explanation['decision']): string {
  switch (kind) {
    case 'update':
      return `${direction === 'back' ? 'It is sent back to' : 'It gets'} ${version}${mandatory ? ' at once' : ''}`
    case 'embedded':
      return `It is sent back to what its binary shipped with${mandatory ? ' at once' : ''}`
    case 'native-update-required':
      return `It needs a newer binary first, at least ${minNativeVersion}`
    case 'up-to-date':
      return 'It gets no update'
  }
}
