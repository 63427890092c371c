/**
 * What may be kept of a daemon's error output. A message may hold a secret, so only forms that cannot are kept:
 * names and codes of errors, places in our own code, fixed texts of the runtime.
 */
const PRINTABLE: readonly RegExp[] = [
  /^\s{4}at (?:async )?[\w.<>[\] ]{0,80} ?\(?(?:file:\/\/|node:)?[\w./@-]{1,200}:\d+:\d+\)?$/,
  /^(?:Uncaught )?(?:[A-Z]\w{0,40})?Error(?: \[[A-Z_0-9]{1,60}\])?(?=:|$)/,
  /^FATAL ERROR: [A-Za-z: ]{1,100}/,
  /^Node\.js v[\d.]+$/,
]

/** Longest part of the error output that is looked at, characters. */
const TAIL = 16_384

export function printableStderr(output: string): readonly string[] {
  return output
    .slice(-TAIL)
    .split('\n')
    .flatMap(
      (line) => PRINTABLE.map((form) => form.exec(line)?.[0].trim()).find((kept) => kept !== undefined) ?? [],
    )
    .slice(0, 40)
}
