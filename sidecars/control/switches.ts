/**
 * Every protection of a sidecar has a switch, so that a test can show that the cases which name it turn red
 * without it. Shipped programs seal their switches before they do anything: then all are on for ever.
 */
export interface Switches<Name extends string> {
  /** Whether the protection is in force. */
  on(name: Name): boolean
  /** For tests only; throws once sealed. */
  off(name: Name): void
  /** For a thread that has switches of its own; empty once sealed. */
  readonly switchedOff: readonly Name[]
  /** All on again. */
  restore(): void
  seal(): void
}

export function createSwitches<Name extends string>(): Switches<Name> {
  const switchedOff = new Set<Name>()
  let sealed = false
  return {
    on: (name) => !switchedOff.has(name),
    off(name) {
      if (sealed) throw new Error(`the protection ${name} cannot be switched off in a running program`)
      switchedOff.add(name)
    },
    get switchedOff() {
      return [...switchedOff]
    },
    restore: () => switchedOff.clear(),
    seal() {
      switchedOff.clear()
      sealed = true
    },
  }
}
