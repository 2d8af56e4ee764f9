import type { Rate } from '@hotpatch/api'

export function formatNumber(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: value < 10 ? 2 : 0 })
}

/** 0.125 is 12.5 %. */
export function formatShare(share: number | null): string {
  if (share === null) return '-'
  const percent = share * 100
  return `${percent.toFixed(percent > 0 && percent < 10 ? 2 : 1)} %`
}

/** With what it may be: 12.0 % (9.10 %–15.2 %). */
export function formatRate({ share, low, high }: Rate): string {
  if (share === null || low === null || high === null) return '-'
  return `${formatShare(share)} (${formatShare(low)}–${formatShare(high)})`
}

/** Signed: what is compared with what was before. */
export function formatTrend(trend: number | null): string {
  if (trend === null) return '-'
  const percent = trend * 100
  return `${percent > 0 ? '+' : ''}${percent.toFixed(1)} %`
}

export function formatDuration(seconds: number): string {
  const minutes = Math.round(seconds / 60)
  if (minutes < 60) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  if (hours < 48) return `${hours} h ${minutes % 60} min`
  return `${Math.floor(hours / 24)} d ${hours % 24} h`
}

/** As short as its distance allows: "2026-06-17 10:00". */
export function formatTime(timestamp: string): string {
  const text = timestamp.slice(0, 16).replace('T', ' ')
  return text.endsWith(' 00:00') ? text.slice(0, 10) : text
}

/** What is running is of no release. */
export function formatVersion(version: string | null): string {
  return version ?? 'embedded'
}
