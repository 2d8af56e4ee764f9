/** What `doctor` found out about one thing. */
export interface Check {
  id: string
  status: 'ok' | 'warn' | 'fail'
  message: string
  fixable: boolean
  /** A command, or what to do. */
  fix: string | null
}

export function passed(id: string, message: string): Check {
  return { id, status: 'ok', message, fixable: false, fix: null }
}

export function warned(id: string, message: string, fix: string | null = null): Check {
  return { id, status: 'warn', message, fixable: fix !== null, fix }
}

export function failed(id: string, message: string, fix: string | null = null): Check {
  return { id, status: 'fail', message, fixable: fix !== null, fix }
}
