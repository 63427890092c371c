/** A repository behind a real OpenSSH, as the remote of a bottle: its key is the gate's, its commits are read where they arrived. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { makeUpstream } from '../../unit/gate/lab.ts'
import { makeKey, noSshd, Sshd } from '../../unit/gate/sshd.ts'

export const FORGE = 'forge.test'
/** Who commits in a bottle with this remote. */
export const AUTHOR = { name: 'Acme Bot', email: 'bot@acme.example' } as const

export interface Remote {
  /** As the agent writes it. */
  readonly url: string
  /** The value of a bottle's `git`, in one line. */
  readonly declared: string
  /** A line of the private key that stands nowhere else. */
  readonly key: string
  branches(): readonly string[]
  /** Of a branch: author, committer, and the files of its last commit with what they hold. */
  commit(branch: string): {
    readonly author: string
    readonly committer: string
    readonly files: Readonly<Record<string, string>>
  }
  close(): Promise<void>
}

/** `address`: of this machine, where the uplink finds it. */
export async function openRemote(address: string): Promise<Remote> {
  if (noSshd !== undefined) throw new Error(noSshd)
  const folder = mkdtempSync('/tmp/bb-remote-')
  const sshd = await Sshd.start(join(folder, 'sshd'), 'ed25519', address)
  await makeUpstream(folder)
  const key = makeKey(join(folder, 'identity'))
  sshd.allow(key.line)
  const upstream = join(folder, 'up.git')
  const url = `ssh://${sshd.user}@${FORGE}:${sshd.port}${upstream}`
  const git = (...args: readonly string[]): string =>
    execFileSync('git', ['--git-dir', upstream, ...args], { encoding: 'utf8' }).trim()
  const lines = (text: string): readonly string[] => text.split('\n').filter((line) => line !== '')
  return {
    url,
    declared: JSON.stringify({
      user: AUTHOR,
      remotes: {
        app: {
          url,
          host_key: sshd.hostKey,
          identity: join(folder, 'identity'),
          allow_private: true,
          require_identity: true,
          push: { allow: ['refs/heads/agent/*'] },
        },
      },
    }),
    key: key.secret.split('\n')[2] ?? '',
    branches: () => lines(git('for-each-ref', '--format=%(refname:short)', 'refs/heads')),
    commit(branch) {
      const [author = '', committer = ''] = lines(git('log', '-1', '--format=%an <%ae>%n%cn <%ce>', branch))
      const names = lines(git('diff-tree', '--no-commit-id', '--name-only', '-r', branch))
      const files = Object.fromEntries(names.map((name) => [name, git('show', `${branch}:${name}`)]))
      return { author, committer, files }
    },
    async close() {
      await sshd.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
