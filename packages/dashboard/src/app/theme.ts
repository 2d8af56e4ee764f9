import { createTheme, type CSSVariablesResolver, type MantineColorsTuple } from '@mantine/core'

/** Of the mark: for what is chosen and what is to be done. Number 6 has 5.6:1 on white, 4 has 7:1 on the dark page. */
const blue: MantineColorsTuple = [
  '#eef4ff',
  '#dbe6fe',
  '#b6ccfc',
  '#8fb2fa',
  '#79a5fb',
  '#3f74ee',
  '#2557d6',
  '#1f4abb',
  '#1b3f9c',
  '#17347f',
]

const gray: MantineColorsTuple = [
  '#f7f8f9',
  '#eff1f3',
  '#e3e6ea',
  '#d3d8de',
  '#b6bec8',
  '#8b95a3',
  '#626d7c',
  '#475160',
  '#2f3743',
  '#1a2029',
]

const dark: MantineColorsTuple = [
  '#d7dce3',
  '#b9c1cc',
  '#9aa4b2',
  '#687385',
  '#3a4351',
  '#2b333f',
  '#1d242e',
  '#161c24',
  '#10151c',
  '#0a0e13',
]

const red: MantineColorsTuple = [
  '#fdf0f0',
  '#fbdcdc',
  '#f5b5b5',
  '#f19a9a',
  '#f28b8b',
  '#dd4b4b',
  '#c62f2f',
  '#ad2626',
  '#8f1f1f',
  '#701818',
]

/** On a light ground of their own, with at least 5:1: the library's are too pale for small text. */
const LIGHT_TEXTS = {
  blue: '#1b3f9c',
  red: '#8f1f1f',
  yellow: '#6b4a00',
  orange: '#7f3f00',
  green: '#1d5c2b',
  teal: '#065a43',
  cyan: '#0b5566',
  grape: '#6f2482',
  violet: '#4b2fa8',
  gray: '#3b4450',
} as const

const lightGrounds = Object.fromEntries(
  Object.entries(LIGHT_TEXTS).flatMap(([color, text]) => [
    [`--mantine-color-${color}-light`, `var(--mantine-color-${color}-${color === 'gray' ? 1 : 0})`],
    [`--mantine-color-${color}-light-color`, text],
  ]),
)

export const theme = createTheme({
  colors: { blue, gray, dark, red },
  primaryColor: 'blue',
  primaryShade: { light: 6, dark: 6 },
  autoContrast: true,
  black: '#161b22',
  defaultRadius: 'sm',
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Helvetica Neue", Arial, sans-serif',
  fontFamilyMonospace: 'ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace',
  fontSizes: { xs: '0.75rem', sm: '0.875rem', md: '1rem', lg: '1.125rem', xl: '1.25rem' },
  headings: {
    fontWeight: '600',
    sizes: {
      h1: { fontSize: '1.375rem', lineHeight: '1.3' },
      h2: { fontSize: '1rem', lineHeight: '1.4' },
      h3: { fontSize: '0.875rem', lineHeight: '1.4' },
    },
  },
  cursorType: 'pointer',
  respectReducedMotion: true,
  components: {
    Text: { defaultProps: { size: 'sm' } },
    Anchor: { defaultProps: { size: 'sm' } },
    List: { defaultProps: { size: 'sm' } },
    Badge: { defaultProps: { variant: 'light', radius: 'sm', tt: 'none', fw: 500 } },
    Tooltip: { defaultProps: { withArrow: true, events: { hover: true, focus: true, touch: true } } },
    Modal: { defaultProps: { radius: 'md', overlayProps: { backgroundOpacity: 0.4 } } },
    Alert: { defaultProps: { radius: 'md' } },
    Table: { defaultProps: { fz: 'sm' } },
    Code: { defaultProps: { fz: '0.8125rem' } },
  },
})

/** The surfaces of the console, from the one below to the one above. */
export const variables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    ...lightGrounds,
    // The library's has 4:1 on white, which small text is not read by.
    '--mantine-color-grape-outline': LIGHT_TEXTS.grape,
    '--mantine-color-error': '#b32626',
    '--mantine-color-dimmed': '#5b6675',
    '--mantine-color-body': '#ffffff',
    '--mantine-color-default-border': '#c9d0d8',
    '--mantine-color-placeholder': '#6b7685',
    '--console-back': '#f7f8f9',
    '--console-raised': '#ffffff',
    '--console-sunken': '#f4f5f7',
    '--console-hover': '#f5f7fa',
    '--console-line': '#e3e6ea',
    '--console-line-strong': '#c9d0d8',
  },
  dark: {
    '--mantine-color-gray-light': '#262e39',
    '--mantine-color-gray-light-color': '#c3cbd6',
    '--mantine-color-error': '#f28b8b',
    '--mantine-color-dimmed': '#9aa4b2',
    '--mantine-color-body': '#161c24',
    '--mantine-color-text': '#dfe4ea',
    '--mantine-color-default-border': '#3a4351',
    '--mantine-color-placeholder': '#8b95a3',
    '--mantine-color-anchor': '#8fb2fa',
    '--console-back': '#10151c',
    '--console-raised': '#161c24',
    '--console-sunken': '#10151c',
    '--console-hover': '#1b222c',
    '--console-line': '#2b333f',
    '--console-line-strong': '#3a4351',
  },
})
