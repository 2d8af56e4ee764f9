/** Between the main process and its pages. */
export const UPDATE_CHANNEL = 'hotpatch-update'

export const UPDATE_ACTIONS = ['check', 'download', 'install', 'later', 'stop'] as const
export type UpdateAction = (typeof UPDATE_ACTIONS)[number]
