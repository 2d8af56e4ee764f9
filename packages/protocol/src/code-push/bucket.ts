/**
 * Decision §4: the bucket of 100 that CodePush's own server draws a device into. Of Java's kind over UTF-16, but only what
 * is shifted is kept to 32 bits: a sum may be beyond them.
 * @param label of the rollout, such as v12
 */
export function codePushBucketOf(label: string, deviceId: string): number {
  const text = `${deviceId}-${label}`
  let hash = 0
  for (let index = 0; index < text.length; index += 1) hash = (hash << 5) - hash + text.charCodeAt(index)
  return Math.abs(hash) % 100
}
