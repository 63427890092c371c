/** The access token of a sign-in that an agent program keeps on this host: read at apply, never refreshed here. */
import { UsageError } from '../model/errors.ts'
import type { HostLogin } from '../model/provider.ts'
import { readSecretFile } from './secret-file.ts'

/** A token that ends while the apply runs is none, milliseconds. */
const LEFT = 60_000

export async function secretFromLogin(
  { provider, path }: { readonly provider: string; readonly path: string },
  login: HostLogin,
): Promise<string> {
  const unusable = (what: string, cause?: unknown): UsageError =>
    new UsageError(`the sign-in of ${provider} on this host ${what}`, {
      code: 'host-login',
      hint: `${login.renew}, then run the command again`,
      cause,
    })
  const text = await readSecretFile(path).catch((cause: unknown) => {
    throw unusable(`cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`, cause)
  })
  const [claims, token] = [login.claims(text), login.token(text)]
  if (!claims || token === undefined) throw unusable(`is not in ${path}`)
  if (claims.expires * 1000 - LEFT < Date.now())
    throw unusable(`has expired (${new Date(claims.expires * 1000).toISOString()})`)
  return token
}
