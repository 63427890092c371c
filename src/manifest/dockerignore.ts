/** `.dockerignore` as Docker reads it: one pattern a line, the last that fits decides, `!` takes back in. Pure. */

/** Whether a path of the context is left out, by itself or by a folder around it. */
export function ignoring(text: string): (path: string) => boolean {
  const rules = text.split(/\r?\n/).flatMap((written) => {
    const line = written.trim()
    if (line === '' || line.startsWith('#')) return []
    const back = line.startsWith('!')
    const pattern = (back ? line.slice(1).trim() : line).replace(/^\.?\/+/, '').replace(/\/+$/, '')
    return pattern === '' ? [] : [{ back, fits: expression(pattern) }]
  })
  return (path) => {
    const last = rules.findLast(({ fits }) => fits.test(path))
    return last !== undefined && !last.back
  }
}

/** `*` and `?` stay within one name, `**` is any number of folders; a folder that fits takes all in it along. */
function expression(pattern: string): RegExp {
  const parts = pattern.split('/').map((part, index, all) => {
    if (part === '**') return index === all.length - 1 ? '.*' : '(?:[^/]+/)*'
    const name = part
      .replaceAll(/[.+^${}()|\\]/g, '\\$&')
      .replaceAll('*', '[^/]*')
      .replaceAll('?', '[^/]')
    return index === all.length - 1 ? name : `${name}/`
  })
  return new RegExp(`^${parts.join('')}(?:/.*)?$`)
}
