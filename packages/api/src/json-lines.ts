/** Far more than any entry has. */
const MAX_LINE_LENGTH = 16 * 1024 * 1024

/**
 * Reads one JSON value a line, as they come; empty lines are passed over.
 * @throws SyntaxError that names the line which is not JSON, or has no end
 */
export async function* readJsonLines(bytes: AsyncIterable<Uint8Array>): AsyncGenerator {
  const decoder = new TextDecoder()
  let rest = ''
  let number = 0
  for await (const chunk of bytes) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > MAX_LINE_LENGTH) throw new SyntaxError(`Line ${number + lines.length + 1} is too long.`)
    for (const line of lines) {
      number += 1
      if (line.trim() !== '') yield parse(line, number)
    }
  }
  rest += decoder.decode()
  if (rest.trim() !== '') yield parse(rest, number + 1)
}

function parse(line: string, number: number): unknown {
  try {
    return JSON.parse(line)
  } catch (cause) {
    throw new SyntaxError(`Line ${number} is not JSON.`, { cause })
  }
}
