/**
 * The class `R` of an archive, from its list of resources. The numbers are nobody's: no resource is there, and the classes
 * only have to load.
 */
export function resourceClass(packageName: string, list: string): string {
  const fields = new Map<string, string[]>()
  let number = 0x7f000000
  for (const line of list.split('\n')) {
    const [type, kind, name, ...value] = line.split(' ')
    if (type === undefined || kind === undefined || name === undefined) continue
    const written = type === 'int' && kind !== 'styleable' ? String((number += 1)) : value.join(' ')
    fields.set(kind, [...(fields.get(kind) ?? []), `    public static ${type} ${name} = ${written};`])
  }
  const kinds = [...fields].map(([kind, lines]) => `  public static class ${kind} {\n${lines.join('\n')}\n  }`)
  return `package ${packageName};\n\npublic class R {\n${kinds.join('\n')}\n}\n`
}
