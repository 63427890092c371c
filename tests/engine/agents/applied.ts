/** A program whose bottles have their agents in them, applied; its API is trusted and known by the names that agents call it by. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Host } from '../../../scripts/labs/model-api/api.ts'
import type { Program } from '../cli/program.ts'

/** Of images, the agent's and the bundle's, on a busy machine; milliseconds. */
export const MAKING = 500_000

/** `hosts`: names that lead to the API's address. `bottles`: the rest of the manifest. Throws what `apply` said. */
export async function applied(
  program: Program,
  api: Host,
  hosts: readonly string[],
  bottles: string,
): Promise<void> {
  declared(program, api, hosts, bottles)
  const { code, out, err } = await program.start('apply', { limit: MAKING }).ended
  if (code !== 0) throw new Error(out + err)
}

/** Written, and not applied. */
export function declared(program: Program, api: Host, hosts: readonly string[], bottles: string): void {
  writeFileSync(join(program.folder, 'api.pem'), api.authority)
  const addresses = hosts.map((host) => `${host}: ${api.address}`).join(', ')
  program.manifest(`uplink:
  trust: [api.pem]
  hosts: { ${addresses} }
${bottles}`)
}

export async function removed(program: Program | undefined, api: Host | undefined): Promise<void> {
  await program?.run('destroy --yes')
  program?.dispose()
  await api?.close()
}
