import { describe, expect, test } from 'vitest'
import { faultOfName, seenOfName } from './display-name.ts'

describe('a name that people read', () => {
  test.each([
    'Olga',
    'nightly build #3 (iOS)',
    'Zoë Müller-Łukasz',
    'Zoe\u0308',
    '山田 太郎',
    'محمد',
    'علی\u200Cرضا',
    'क्\u200Dष',
    'team \u{1F469}\u200D\u{1F4BB}',
    '\u{1F44D}\u{1F3FD} \u2764\uFE0F',
    'עדי',
    "it's <b>not</b> markup",
  ])('may be %s', (name) => expect(faultOfName(name)).toBeUndefined())

  test.each([
    ['nothing', ''],
    ['two lines', 'Olga\nadmin'],
    ['a tab', 'Olga\tadmin'],
    ['the end of a terminal’s line', 'Olga\r'],
    ['a sequence for terminals', 'Olga\u001B[2J'],
    ['NUL', 'Olga\0'],
    ['a C1 control character', 'Olga\u009B31m'],
    ['a separator of lines', 'Olga\u2028admin'],
    ['a turn to the right-to-left', 'Olga \u202Eresu'],
    ['an isolate', 'Olga \u2067resu\u2069'],
    ['a mark of direction', 'Olga\u200F'],
    ['an Arabic mark of direction', 'Olga\u061C'],
    ['nothing to be seen', 'Ol\u200Bga'],
    ['a joiner between Latin letters', 'Ol\u200Dga'],
    ['a joiner at the end', 'Olga\u200C'],
    ['a joiner between letters that are not joined', '山\u200D田'],
    ['a joiner before what is no emoji', '\u{1F469}\u200Da'],
    ['a soft hyphen', 'Ol\u00ADga'],
    ['a mark of byte order', '\uFEFFOlga'],
    ['a filler of Hangul', '\u3164'],
    ['an empty pattern of Braille', '\u2800'],
    ['a selector of a form that no letter has', 'Olga\uFE0F'],
    ['tags', 'Olga\u{E0041}'],
    ['half of a character', 'Olga\uD800'],
  ])('is not %s', (_case, name) => {
    expect(faultOfName(name)).toMatch(/^expected .*, found (?:nothing but blanks|the character U\+[0-9A-F]{4,6}, )/)
  })

  test('of another server is what is seen of it', () => {
    expect(seenOfName(' Olga \u202Eresu\n ')).toBe('Olga resu')
    expect(seenOfName('علی\u200Cرضا')).toBe('علی\u200Cرضا')
    expect(seenOfName('Olga\uD83D')).toBe('Olga')
    expect(seenOfName('\u200B')).toBe('')
  })
})
