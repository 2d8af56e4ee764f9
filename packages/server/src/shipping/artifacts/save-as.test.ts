import { expect, test } from 'vitest'
import { saveAs } from './save-as.ts'

test.each([
  ['shop-1.0.0.apk', 'attachment; filename="shop-1.0.0.apk"'],
  ['Shop Setup 1.0.0.exe', 'attachment; filename="Shop Setup 1.0.0.exe"'],
  ['Größe (1).dmg', 'attachment; filename="Gr__e (1).dmg"; filename*=UTF-8\'\'Gr%C3%B6%C3%9Fe%20%281%29.dmg'],
  ['a"b%.deb', 'attachment; filename="a_b_.deb"; filename*=UTF-8\'\'a%22b%25.deb'],
])('%s', (name, expected) => {
  expect(saveAs(name)).toBe(expected)
})
