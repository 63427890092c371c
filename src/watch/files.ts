/** Tells when a manifest file, or a file it names, changes. Folders are watched instead of files: editors replace files. */
import { watch as chokidar } from 'chokidar'
import { dirname, resolve } from 'node:path'

export interface FileWatch {
  /** Watches these from now on, instead of what was watched before. */
  follow(paths: readonly string[]): void
  close(): Promise<void>
}

export function watchFiles(changed: (path: string) => void, failed: (message: string) => void): FileWatch {
  let followed = new Set<string>()
  const watcher = chokidar([], { ignoreInitial: true, depth: 0, followSymlinks: true })
  watcher.on('all', (_event, path) => {
    const full = resolve(path)
    // A folder of manifests is followed as such: a new file in it counts.
    if (followed.has(full) || followed.has(dirname(full))) changed(full)
  })
  watcher.on('error', (error) => failed(error instanceof Error ? error.message : String(error)))
  return {
    follow(paths) {
      const wanted = new Set(paths.map((path) => resolve(path)))
      const folders = (of: ReadonlySet<string>): Set<string> =>
        new Set([...of].flatMap((path) => [dirname(path), path]))
      const [before, after] = [folders(followed), folders(wanted)]
      followed = wanted
      watcher.unwatch([...before].filter((path) => !after.has(path)))
      watcher.add([...after].filter((path) => !before.has(path)))
    },
    close: () => watcher.close(),
  }
}
