/** JSON for terminals and machines alike: lossless, and every character beyond printable ASCII escaped, so no text in it can steer a terminal. */

/** `indent` 0: one line. */
export function safeJson(value: unknown, indent = 0): string {
  return JSON.stringify(value, null, indent).replaceAll(
    /[^\x20-\x7e\n]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
