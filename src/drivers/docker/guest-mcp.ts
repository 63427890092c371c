/**
 * Tells the agent program of its MCP servers. Where that fails the files of its provider are put back, with which the
 * program starts and knows no server: a bottle is of use without them.
 */
import { createHash } from 'node:crypto'
import { DriverError } from '../../model/errors.ts'
import type { McpRegistration } from '../../model/provider.ts'
import type { ProviderFile } from '../../model/provider.ts'
import type { Engine } from './calls.ts'
import { verifyPrograms, writeGuestFiles } from './guest-files.ts'
import { AGENT_USER, helper } from './guest-helper.ts'
import { helperFailed } from './trouble.ts'

export interface Registering {
  readonly registration: McpRegistration
  /** Of the provider, as they stand in the guest. */
  readonly files: readonly ProviderFile[]
  readonly environment: Readonly<Record<string, string>>
}

/** Why they are not registered; `undefined`: they are. Throws what may be tried again, and where the files cannot be put back. */
export async function registerMcp(
  engine: Engine,
  containerId: string,
  { registration, files, environment }: Registering,
): Promise<DriverError | undefined> {
  try {
    await writeGuestFiles(engine, containerId, registration.files)
    await readBack(engine, containerId, registration.files)
    await verifyPrograms(engine, containerId, environment, registration.verify)
    return undefined
  } catch (thrown) {
    if (!(thrown instanceof DriverError) || thrown.transient) throw thrown
    const replaced = new Set(registration.files.map(({ path }) => path))
    await writeGuestFiles(
      engine,
      containerId,
      files.filter(({ path }) => replaced.has(path)),
    )
    return new DriverError(`the MCP servers are not registered: ${thrown.message}`, {
      code: 'mcp-registration',
      hint: 'the agent starts without them; the next apply, and each run, tries again',
      cause: thrown,
    })
  }
}

/** As the user who is to read them. */
async function readBack(engine: Engine, containerId: string, files: readonly ProviderFile[]): Promise<void> {
  const paths = files.map(({ path }) => path)
  const { stdout } = await helper(engine, containerId, ['stat', '--hash', ...paths], AGENT_USER)
  const found = JSON.parse(stdout) as readonly { readonly path: string; readonly sha256?: string }[]
  for (const { path, content } of files) {
    const wanted = createHash('sha256').update(content).digest('hex')
    if (found.find((one) => one.path === path)?.sha256 !== wanted)
      throw helperFailed(`read ${path}`, 'the agent does not find there what was written')
  }
}
