/** The last lines of one source, kept in memory for `logs`, and whoever follows them. */
export interface Journal<Line> {
  add(line: Line): void
  tail(count: number): readonly Line[]
  /** Calls back with every further line until the returned function is called. */
  follow(callback: (line: Line) => void): () => void
}

export function createJournal<Line>(keep: number): Journal<Line> {
  let lines: Line[] = []
  const followers = new Set<(line: Line) => void>()
  return {
    add(line) {
      lines.push(line)
      if (lines.length >= 2 * keep) lines = lines.slice(-keep)
      for (const follower of followers) follower(line)
    },
    tail: (count) => (count === 0 ? [] : lines.slice(-Math.min(count, keep))),
    follow(callback) {
      followers.add(callback)
      return () => followers.delete(callback)
    },
  }
}
