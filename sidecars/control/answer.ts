/** How a daemon answers its supervisor over Node's IPC channel. */

/** `code` and `message`: why nothing was changed. */
export type Answer<Value> =
  | { readonly id: number; readonly ok: true; readonly value: Value }
  | { readonly id: number; readonly ok: false; readonly code: string; readonly message: string }

/** What was decided on before the present configuration would open again what that one closed. */
class GenerationOld extends Error {
  override readonly name = 'GenerationOld'
}

/** Throws for a generation that is not above the present one; `present`: absent before the first. */
export function mustBeNewer(generation: number, present = 0): void {
  if (generation <= present)
    throw new GenerationOld(`generation ${generation} is not newer than the present one`)
}

/** Errors of the compiler, of OpenSSL and of our own checks: none quotes a secret, and all are cut. */
export function notEnforced(id: number, error: unknown): Answer<never> {
  return {
    id,
    ok: false,
    code: error instanceof GenerationOld ? 'generation-old' : 'config-invalid',
    message: error instanceof Error ? error.message.slice(0, 200) : 'not enforceable',
  }
}
