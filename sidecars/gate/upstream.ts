/** The last step of a push: exactly these objects to exactly these refs, each from the value that was judged. */
import { safeText } from '../../src/model/text.ts'
import type { SafeText } from '../../src/model/text.ts'
import type { RefFacts, RefUpdate } from '../policy/refs.ts'
import { controls } from './controls.ts'
import { git, GitFailed } from './git.ts'
import type { GitRun } from './git.ts'
import type { Link } from './link.ts'
import { reason } from './words.ts'
import type { Reason } from './words.ts'

export interface Pushed {
  /** Undefined: the upstream has taken all of it. */
  readonly refused: readonly Reason[] | undefined
  /** What the upstream says to people. */
  readonly said: readonly SafeText[]
}

export async function pushUpstream(
  link: Link,
  run: GitRun,
  updates: readonly RefUpdate[],
  facts: RefFacts,
): Promise<Pushed> {
  const hasLease = controls.on('lease')
  const leases = updates.map(({ ref }) => `--force-with-lease=${ref}:${facts.refs.get(ref) ?? ''}`)
  const specs = updates.map(({ ref, to = '' }) => `${hasLease || to === '' ? '' : '+'}${to}:${ref}`)
  const options = [
    '--porcelain',
    '--no-verify',
    '--no-follow-tags',
    '--no-signed',
    '--recurse-submodules=no',
    ...(updates.length > 1 ? ['--atomic'] : []),
    ...(hasLease ? leases : []),
  ]
  return link.use(async (env) => {
    const whole = { ...run, env: { ...run.env, ...env } }
    try {
      const { stderr } = await git(['push', ...options, '--', link.url, ...specs], whole)
      return { refused: undefined, said: remoteLines(stderr) }
    } catch (error) {
      if (!(error instanceof GitFailed)) throw error
      const { stdout, stderr } = error.result
      return { refused: refusals(stdout.toString(), stderr), said: remoteLines(stderr) }
    }
  })
}

const SAID_MAX = 20

function remoteLines(stderr: string): readonly SafeText[] {
  return stderr
    .split(/[\r\n]+/)
    .filter((line) => line.startsWith('remote: '))
    .map((line) => safeText(line.slice('remote: '.length).trimEnd(), 300))
    .filter((line) => line !== '')
    .slice(0, SAID_MAX)
}

/** One for each ref that was turned down, by what git's porcelain says of it. */
function refusals(stdout: string, stderr: string): readonly Reason[] {
  const lines = stdout.split('\n').filter((line) => line.startsWith('!\t'))
  if (lines.length === 0) {
    const why = stderr.split('\n').findLast((line) => line.startsWith('fatal: ')) ?? 'it went away'
    return [reason('upstream-refused', `the upstream did not take it: ${safeText(why, 300)}`)]
  }
  return lines.map((line) => {
    const [, spec = '', summary = ''] = line.split('\t')
    const ref = safeText(spec.slice(spec.indexOf(':') + 1), 200)
    return /stale info|fetch first|remote ref updated/.test(summary)
      ? reason('stale', `${ref} was changed at the upstream in the meantime. Fetch, then push again.`)
      : reason('upstream-refused', `${ref}: the upstream says ${safeText(summary, 300)}`)
  })
}
