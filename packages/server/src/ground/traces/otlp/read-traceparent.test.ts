import { expect, test } from 'vitest'
import { readTraceparent } from './read-traceparent.ts'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const SPAN = '00f067aa0ba902b7'

test.each([
  ['sampled', `00-${TRACE}-${SPAN}-01`, 1],
  ['not sampled', `00-${TRACE}-${SPAN}-00`, 0],
  ['with flags that are not known', `00-${TRACE}-${SPAN}-fe`, 0],
  ['of a later version, which may say more', `01-${TRACE}-${SPAN}-01-more`, 1],
])('one is read that is %s', (_what, text, traceFlags) => {
  expect(readTraceparent(text)).toEqual({ traceId: TRACE, spanId: SPAN, traceFlags, isRemote: true })
})

test.each([
  ['none', undefined],
  ['two', [`00-${TRACE}-${SPAN}-01`]],
  ['an empty one', ''],
  ['a trace of nothing but zeros', `00-${'0'.repeat(32)}-${SPAN}-01`],
  ['a span of nothing but zeros', `00-${TRACE}-${'0'.repeat(16)}-01`],
  ['capital letters', `00-${TRACE.toUpperCase()}-${SPAN}-01`],
  ['the version that is none', `ff-${TRACE}-${SPAN}-01`],
  ['more in the first version', `00-${TRACE}-${SPAN}-01-more`],
  ['one that never ends', `01-${TRACE}-${SPAN}-01-${'x'.repeat(600)}`],
  ['a line behind it', `01-${TRACE}-${SPAN}-01\nx`],
])('%s is not read', (_what, header) => {
  expect(readTraceparent(header)).toBeUndefined()
})
