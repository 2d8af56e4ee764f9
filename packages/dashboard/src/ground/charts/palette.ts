/**
 * Of Okabe and Ito: told apart with every kind of colour blindness. Each has 3:1 against the page, in light and dark: see
 * `style.css`, where they are defined.
 */
export const SERIES_COLORS = [
  'var(--console-series-1)',
  'var(--console-series-2)',
  'var(--console-series-3)',
  'var(--console-series-4)',
  'var(--console-series-5)',
  'var(--console-series-6)',
  'var(--console-series-7)',
  'var(--console-series-8)',
] as const

/** Lines are told apart without colours, too. */
export const SERIES_DASHES = ['0', '6 3', '2 3', '8 3 2 3', '12 4', '4 2', '1 4', '10 3 2 3 2 3'] as const
