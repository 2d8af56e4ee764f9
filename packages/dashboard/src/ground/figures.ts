import { useTranslation } from 'react-i18next'

const BYTE_UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const

export interface Figures {
  number: (value: number) => string
  /** 12.4 million as "12.4M". */
  short: (value: number) => string
  /** @param value 0 to 100 */
  percentage: (value: number, digits?: number) => string
  bytes: (value: number) => string
  date: (at: string | number | Date) => string
  dateTime: (at: string | number | Date) => string
  list: (items: readonly string[]) => string
}

/** Numbers as people of the chosen language write them. */
export function useFigures(): Figures {
  const { i18n } = useTranslation()
  return figuresIn(i18n.language)
}

const made = new Map<string, Figures>()

export function figuresIn(language: string): Figures {
  const known = made.get(language)
  if (known) return known
  const number = new Intl.NumberFormat(language)
  const short = new Intl.NumberFormat(language, { notation: 'compact', maximumFractionDigits: 1 })
  const date = new Intl.DateTimeFormat(language, { dateStyle: 'medium' })
  const dateTime = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'medium' })
  const list = new Intl.ListFormat(language)
  const figures: Figures = {
    number: (value) => number.format(value),
    short: (value) => short.format(value),
    percentage: (value, digits = 2) =>
      new Intl.NumberFormat(language, { style: 'percent', maximumFractionDigits: digits }).format(value / 100),
    bytes: (value) => bytesIn(language, value),
    date: (at) => date.format(new Date(at)),
    dateTime: (at) => dateTime.format(new Date(at)),
    list: (items) => list.format(items),
  }
  made.set(language, figures)
  return figures
}

function bytesIn(language: string, value: number): string {
  const power = Math.min(BYTE_UNITS.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, value)) / 3)))
  const unit = BYTE_UNITS[power] ?? 'byte'
  // Of bytes the short form is one word for one and for many: "514 byte".
  const form = power === 0 ? ({ unitDisplay: 'long', maximumFractionDigits: 0 } as const) : { maximumFractionDigits: 1 }
  return new Intl.NumberFormat(language, { style: 'unit', unit, ...form }).format(value / 1000 ** power)
}
