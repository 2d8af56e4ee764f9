export const colors = {
  background: '#ffffff',
  text: '#1b1f24',
  muted: '#6a737d',
  accent: '#0b6e4f',
}
