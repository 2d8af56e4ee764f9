/** A package.json of packages/ as it is published: its entries lead to what was compiled, and what is ours alone is left out. */
export function publishedManifest(manifest) {
  const { private: _, devDependencies: _development, scripts: _scripts, exports, ...rest } = manifest
  return { ...rest, ...(exports && { exports: publishedExports(exports) }) }
}

function publishedExports(exports) {
  const entries = Object.entries(typeof exports === 'string' ? { '.': exports } : exports)
  const published = entries.filter(([name]) => name !== './testing').map(([name, path]) => [name, compiledEntry(path)])
  return { ...Object.fromEntries(published), './package.json': './package.json' }
}

/** `types` first: conditions are tried in order. */
function compiledEntry(source) {
  const path = source.replace(/^\.\/src\//, './dist/').replace(/\.ts$/, '')
  return { types: `${path}.d.ts`, default: `${path}.js` }
}
