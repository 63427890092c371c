/**
 * Where the objects of one push lie until the upstream has them: a folder of its own that only this push reads. It is
 * gone with the push, however that ends; nothing of it is in the mirror before the upstream has taken it.
 */
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { controls } from './controls.ts'
import { startGit } from './git.ts'
import type { GitRun } from './git.ts'

export class Quarantine {
  /** Git sees the mirror and, through this, the objects of the push. */
  readonly run: GitRun
  readonly #folder: string
  readonly #mirror: string

  private constructor(folder: string, mirror: string) {
    this.#folder = folder
    this.#mirror = mirror
    this.run = {
      repository: mirror,
      env: {
        GIT_OBJECT_DIRECTORY: join(folder, 'objects'),
        GIT_ALTERNATE_OBJECT_DIRECTORIES: join(mirror, 'objects'),
      },
    }
  }

  static async open(parent: string, mirror: string): Promise<Quarantine> {
    await mkdir(parent, { recursive: true, mode: 0o700 })
    const folder = await mkdtemp(join(parent, 'push-'))
    await mkdir(join(folder, 'objects', 'pack'), { recursive: true })
    await mkdir(join(folder, 'objects', 'info'), { recursive: true })
    return new Quarantine(folder, mirror)
  }

  /**
   * Takes the pack in, checked object by object, with links to objects that are nowhere refused. Returns why not, in
   * git's words. `next` may throw; then nothing stays.
   */
  async take(
    next: () => Promise<Buffer | undefined>,
    maxBytes: number,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const options = [
      ...(controls.on('fsck') ? ['--strict'] : []),
      ...(controls.on('sizes') ? [`--max-input-size=${maxBytes}`] : []),
    ]
    const child = startGit(['index-pack', '--stdin', '--fix-thin', ...options], { ...this.run, signal })
    child.stdout.resume()
    let isGone = false
    void child.gone.then(() => (isGone = true))
    try {
      for (let piece = await next(); piece !== undefined; piece = await next()) {
        if (isGone || child.stdin.write(piece)) continue
        await Promise.race([new Promise((resolve) => child.stdin.once('drain', resolve)), child.gone])
      }
    } catch (error) {
      child.end()
      throw error
    }
    child.stdin.end()
    const { code, stderr } = await child.gone
    return code === 0 ? undefined : stderr
  }

  /** The upstream has these objects: the mirror need not ask for them. */
  async giveToMirror(): Promise<void> {
    const from = join(this.#folder, 'objects', 'pack')
    const files = (await readdir(from)).filter((name) => name.startsWith('pack-'))
    // An index without its pack would be an error to whoever reads at this moment.
    const last = (name: string): number => Number(name.endsWith('.idx'))
    for (const name of files.toSorted((one, other) => last(one) - last(other)))
      await rename(join(from, name), join(this.#mirror, 'objects', 'pack', name))
  }

  async close(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true })
  }
}
