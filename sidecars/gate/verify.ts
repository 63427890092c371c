/** Whether an upstream takes an identity: a real `ls-remote`, by the way that fetches and pushes go. */
import type { SshUrl, UpstreamTrouble } from '../../src/model/gate.ts'
import { safeText } from '../../src/model/text.ts'
import { git, GitFailed } from './git.ts'
import type { GitResult } from './git.ts'
import { UpstreamFailed } from './link.ts'
import type { Link } from './link.ts'

/** `undefined`: it answered. `folder`: any that is no repository. `ms`: of the answer, once the connection stands. */
export async function askUpstream(
  way: () => Link,
  { host, port, path }: SshUrl,
  folder: string,
  ms: number,
): Promise<UpstreamTrouble | undefined> {
  try {
    const link = way()
    // One ref: what else there is, is nobody's question.
    await link.use((env) => git(['ls-remote', '--', link.url, 'HEAD'], { repository: folder, env, ms }))
    return undefined
  } catch (error) {
    if (error instanceof UpstreamFailed) return error.trouble
    if (!(error instanceof GitFailed)) throw error
    const why = wordsOf(error.result)
    return {
      rule: 'repository-refused',
      message: `${host}:${port} takes the key, and does not show ${path} with it (${why}).`,
    }
  }
}

/** What the server says, without what git adds to it. */
function wordsOf({ code, stderr }: GitResult): string {
  if (code === null) return 'it took too long'
  const said = stderr
    .split('\n')
    .map((line) => line.replace(/^(?:remote|fatal|error|ERROR): /, '').trim())
    .filter(
      (line) =>
        line !== '' && !/^(?:error|fatal):$|^Please make sure|^and the repo|^Could not read from/.test(line),
    )
  return safeText(said.slice(0, 2).join('; ') || 'it says nothing', 200)
}
