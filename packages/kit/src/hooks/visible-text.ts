/** The last of what a program has printed that people are shown. */
export const SHOWN_OUTPUT_BYTES = 4096

/** Moves the cursor, turns text around or hides it: what is shown, and kept in logs, is what was printed. */
// oxlint-disable-next-line no-control-regex -- it is control characters that are made visible
const INVISIBLE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g

/** Complaints say more: they have the room first. The two come by different ways, so that nobody knows their order. */
export function visibleOutput(printed: Uint8Array, complaints: Uint8Array): string {
  const room = Math.max(0, SHOWN_OUTPUT_BYTES - complaints.length)
  const shown = printed.subarray(Math.max(0, printed.length - room))
  return [visibleText(shown), visibleText(complaints)].filter((text) => text !== '').join('\n')
}

function visibleText(bytes: Uint8Array): string {
  const text = new TextDecoder().decode(bytes).replaceAll('\r\n', '\n')
  return text.replace(INVISIBLE, (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`).trim()
}

/** Keeps the end of what comes, however much that is. */
export function createTail(maxBytes: number) {
  let kept = Buffer.alloc(0)
  return {
    push(chunk: Uint8Array) {
      const joined = Buffer.concat([kept, chunk.subarray(Math.max(0, chunk.length - maxBytes))])
      kept = joined.subarray(Math.max(0, joined.length - maxBytes))
    },
    bytes: (): Uint8Array => kept,
  }
}
