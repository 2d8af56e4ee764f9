import { isSameBytes, refuseArchive, viewOf } from './archive-entry.ts'

const ZIP64 = 0x0001
const UNICODE_PATH = 0x7075
/** PKWARE's and ASi's Unix fields can carry the target of a link. */
const LINKS = [0x000d, 0x756e]
/** In front of the name in a Unicode path field. */
const UNICODE_PATH_HEAD = 5

/** Engine §4: extra fields must not tell some readers another name, size or kind than the entry tells the others. */
export function checkExtraFields(path: string, name: Uint8Array, bytes: Uint8Array): void {
  const view = viewOf(bytes)
  for (let at = 0; at + 4 <= bytes.length;) {
    const [id, length] = [view.getUint16(at, true), view.getUint16(at + 2, true)]
    const data = bytes.subarray(at + 4, at + 4 + length)
    if (data.length < length) refuseArchive(`${path} has an extra field that is cut`)
    if (id === ZIP64) refuseArchive('ZIP64 is not supported')
    if (LINKS.includes(id)) refuseArchive(`${path} has a field that can make it a link`)
    if (id === UNICODE_PATH && !isSameBytes(data.subarray(UNICODE_PATH_HEAD), name)) {
      refuseArchive(`${path} has another name in an extra field`)
    }
    at += 4 + length
  }
}
