/** What was probably meant: the nearest word, or the place where a key belongs. */
import { SHAPES } from './keys.generated.ts'

/** The nearest of `words`, when it is near enough to be a slip. */
export function nearest(word: string, words: Iterable<string>): string | undefined {
  if (word.length > 64) return undefined
  const plain = bare(word)
  let best: string | undefined
  let least = Math.max(1, Math.floor(word.length / 3)) + 1
  for (const candidate of words) {
    const cost =
      bare(candidate) === plain
        ? 0
        : Math.abs(candidate.length - word.length) >= least
          ? least
          : distance(word.toLowerCase(), candidate.toLowerCase())
    if (cost < least) {
      best = candidate
      least = cost
    }
  }
  return best
}

/** Where `key` is a key, around or below `shape`, readable (`bottles.<name>.egress`), nearest first; empty when nowhere. */
export function whereKeyBelongs(key: string, shape: string): readonly string[] {
  const here = SHAPES[shape]?.at ?? ''
  return Object.values(SHAPES)
    .filter(({ at, keys }) => keys.includes(key) && (at.startsWith(here) || here.startsWith(at)))
    .filter(({ at }) => !at.startsWith('('))
    .map(({ at }) => at)
    .sort((a, b) => common(here, b) - common(here, a) || a.length - b.length)
}

function common(a: string, b: string): number {
  let length = 0
  while (length < a.length && a[length] === b[length]) length += 1
  return length
}

/** `allowPrivate`, `allow-private` and `ALLOW_PRIVATE` are the same slip. */
function bare(word: string): string {
  return word.replaceAll(/[-_ ]/g, '').toLowerCase()
}

/** Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours. */
function distance(a: string, b: string): number {
  let before: number[] = []
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1]
      let cost = Math.min(
        (previous[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (previous[column - 1] ?? 0) + (same ? 0 : 1),
      )
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1])
        cost = Math.min(cost, (before[column - 2] ?? 0) + 1)
      current.push(cost)
    }
    before = previous
    previous = current
  }
  return previous[b.length] ?? 0
}
