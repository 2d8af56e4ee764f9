/** Patches §5.1: by the packing. */
export const TREE_PATCH_FORMATS = { brotli: 'hpdelta1-br', deflate: 'hpdelta1-deflate' } as const
export type TreePatchFormat = (typeof TREE_PATCH_FORMATS)[keyof typeof TREE_PATCH_FORMATS]
