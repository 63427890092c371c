/** What a provider leaves in the guest: its files, and the proof that its program runs there. */
import { DriverError } from '../../model/errors.ts'
import type { ProviderFile } from '../../model/provider.ts'
import { safeText } from '../../model/text.ts'
import { AGENT } from '../../resources/guest/environment.ts'
import type { Engine } from './calls.ts'
import { run } from './exec.ts'
import { AGENT_USER, helper, ROOT_USER } from './guest-helper.ts'

/** Each as its owner: what root wrote into the agent's home the agent could not change (lessons.md, 14). */
export async function writeGuestFiles(
  engine: Engine,
  containerId: string,
  files: readonly ProviderFile[],
): Promise<void> {
  for (const { path, content, mode, owner, once } of files) {
    const user = owner === 'root' ? ROOT_USER : AGENT_USER
    if (once === true && (await isThere(engine, containerId, path, user))) continue
    const octal = `0${mode.toString(8)}`
    await helper(engine, containerId, ['write', path, '--mode', octal, '--parents'], user, content)
  }
}

async function isThere(engine: Engine, containerId: string, path: string, user: string): Promise<boolean> {
  const { stdout } = await helper(engine, containerId, ['stat', path], user)
  const [found] = JSON.parse(stdout) as readonly { readonly type?: string }[]
  return found?.type !== 'absent'
}

/** As the agent's user with the agent's environment: what fails here would fail when the agent starts. */
export async function verifyPrograms(
  engine: Engine,
  containerId: string,
  environment: Readonly<Record<string, string>>,
  commands: readonly (readonly string[])[],
): Promise<void> {
  for (const argv of commands) {
    const program = { argv, user: AGENT_USER, env: environment, cwd: AGENT.workspace }
    const { code, stdout, stderr } = await run(engine, containerId, program)
    if (code === 0) continue
    const told = safeText((stderr || stdout.toString('utf8')).trim().slice(-400))
    throw new DriverError(
      code === 127
        ? `the image has no ${safeText(argv[0] ?? '')} on its PATH`
        : `${safeText(argv.join(' '))} ended with ${code} in the bottle: ${told || 'it printed nothing'}`,
      {
        code: 'agent-program',
        hint: 'a Dockerfile of your own has to keep /opt/agent, /usr/local/bin and the libraries of the base image',
      },
    )
  }
}
