/** The records of a pax header of a tar archive: `LENGTH KEY=VALUE\n`, its length counted with itself. */

/** The last of a key counts. `undefined`: a length makes no sense. */
export function paxRecords(header: Buffer): ReadonlyMap<string, string> | undefined {
  const records = new Map<string, string>()
  for (let rest = header; rest.length > 0;) {
    const length = Number.parseInt(rest.toString('latin1', 0, 12), 10)
    if (!(length > 0) || length > rest.length) return undefined
    const [, key = '', value = ''] = /^\d+ ([^=]+)=(.*)\n$/s.exec(rest.toString('utf8', 0, length)) ?? []
    records.set(key, value)
    rest = rest.subarray(length)
  }
  return records
}
