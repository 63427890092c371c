/**
 * Where a manifest comes from, the same in every checkout: remote and path of the git repository around it, else its
 * absolute path. Read from git's files; git is not run, and nothing in the repository is.
 */
import { readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'

export async function originOf(path: string): Promise<string> {
  if (path === '-') return '-'
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const config = configOf(join(folder, '.git'))
    if (config !== undefined) {
      const url = remoteIn(config)
      return url === undefined ? path : `${url}#${relative(folder, path)}`
    }
    if (dirname(folder) === folder) return path
  }
}

function configOf(dotGit: string): string | undefined {
  const own = read(join(dotGit, 'config'))
  if (own !== undefined) return own
  // A worktree or submodule: `.git` is a file that names the real folder.
  const [, named] = /^gitdir: (.+)$/m.exec(read(dotGit) ?? '') ?? []
  if (named === undefined) return undefined
  const folder = resolve(dirname(dotGit), named.trim())
  const common = read(join(folder, 'commondir'))?.trim()
  return read(join(common === undefined ? folder : resolve(folder, common), 'config'))
}

/** URL of `origin`, without user and password. */
function remoteIn(config: string): string | undefined {
  let inside = false
  for (const line of config.split('\n')) {
    const [, section] = /^\s*(\[.*\])/.exec(line) ?? []
    if (section !== undefined) inside = section === '[remote "origin"]'
    const [, url] = /^\s*url\s*=\s*(\S+)/.exec(line) ?? []
    if (inside && url !== undefined) return url.replace(/^([a-z+]+:\/\/)[^/@]*@/i, '$1')
  }
  return undefined
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
