/**
 * The port of a driver. Two very different ones fill it (containers with a shared namespace; micro-VMs with mounted
 * sockets), so nothing here knows of containers, networks or exec.
 *
 * Contract:
 * - `observe` never writes. It reports everything that carries the stack's mark or one of its names, in any state,
 *   whoever owns it. What could not be asked is in `unknown`; an engine that does not answer is `unreachable`, never empty.
 * - An `Actuator` exists only for the holder of a `Lease`. Each of its calls is idempotent: repeated after a crash
 *   it ends in the same world. It throws `DriverError`; `transient: true` is the only licence to retry.
 * - Every effect reads back what it did; a mismatch is an error and the agent program does not start.
 */
import type { Readable } from 'node:stream'
import type { BundleMetrics, SupervisorRequest, UplinkRequest, UplinkStatus } from '../model/control.ts'
import type { Action } from '../model/plan.ts'
import type { FrozenImage } from '../model/frozen.ts'
import type { BottleError } from '../model/errors.ts'
import type { DriverName, Observed, Resource } from '../model/resource.ts'
import type { DriverState, Unknown } from '../model/snapshot.ts'
import type { Materials } from './materials.ts'
import type { ExecRequest, Execution, ProgramRequest, ImageProgram, AttachRequest } from './program.ts'

declare const leaseBrand: unique symbol

/** Proof that the stack's lock is held; made only by src/state/lock (the brand keeps a literal from passing for one). */
export interface Lease {
  readonly [leaseBrand]: true
  readonly stack: string
  readonly engineId: string
  readonly held: boolean
}

export interface DriverObservation {
  readonly state: DriverState
  /** `docker info` ID, or the state folder of smolvm; absent when unreachable. */
  readonly engineId?: string
  readonly objects: readonly Observed[]
  readonly unknown: readonly Unknown[]
  /** The stack's uplink answer, read once with everything; absent when there is no uplink; `unknown` when it did not answer. */
  readonly uplink?: { readonly nonce: string; readonly status: UplinkStatus } | { readonly unknown: string }
  /** What lies in guests now, by bottle; one that was not looked into is absent. */
  readonly guests?: Readonly<Record<string, GuestLook>>
}

export interface GuestLook {
  /** As `gitFile` of the fields that provisioning left in the record; absent: not looked at. */
  readonly gitFile?: string
  /** A task that is to run does not, and nothing but an apply begins it. */
  readonly notBegun?: boolean
}

export interface EffectContext {
  readonly signal: AbortSignal
  readonly installation: string
  readonly stack: string
  /** Desired resources by address. */
  readonly desired: ReadonlyMap<string, Resource>
  readonly materials: Materials
  progress(text: string): void
}

/** What an effect left: the engine id of what was made, for the journal and the record. */
export interface Effect {
  /** Finished-line words: `created`, `recreated`, `removed`, `built`. */
  readonly did: string
  readonly objectId?: string
  /** Fields as read back, for the record (kind guest). */
  readonly fields?: Observed['fields']
  /** What of it could not be done while the rest holds: the action has failed, and the record has what is there. */
  readonly short?: BottleError
}

export interface Actuator {
  /** Kinds image, uplink, bottle, bundle, guest: carries out one action. */
  perform(action: Action, context: EffectContext): Promise<Effect>
  /** Configures what runs; the only way secrets go in. */
  controlUplink(request: UplinkRequest, signal: AbortSignal): Promise<unknown>
  controlBundle(bottle: string, request: SupervisorRequest, signal: AbortSignal): Promise<unknown>
  start(bottle: string, signal: AbortSignal): Promise<void>
  stop(bottle: string, signal: AbortSignal): Promise<void>
  /**
   * Makes an image of what the bottle's agent container holds beside its volumes; absent where the driver cannot. The
   * container is halted meanwhile, and started again where it ran; its program is not.
   */
  freeze?(bottle: string, request: FreezeRequest, signal: AbortSignal): Promise<Frozen>
}

export interface FreezeRequest {
  /** Tells the frozen images of one bottle apart. */
  readonly tag: string
  /** Blanked wherever they stand. */
  readonly marks: readonly FrozenMark[]
}

/** A text of which the begin is known, and how long it is, bytes. */
export interface FrozenMark {
  readonly begin: string
  readonly length: number
}

export interface Frozen {
  readonly reference: string
  readonly bytes: number
  readonly leftOut: FrozenLeftOut & {
    /** Variables of its image with a line break. */
    readonly variables: readonly string[]
  }
}

/** What of the container is not in the image made of it. */
export interface FrozenLeftOut {
  /** Files that provisioning wrote for this bottle: environment, roots, git. */
  readonly ownFiles: number
  /** Certificates of the bottle's authority in the stores of its system. */
  readonly roots: number
  /** Files in which marks were blanked: the first ones by path, the others counted. */
  readonly blanked: readonly string[]
  readonly blankedMore: number
  /** Entries with a mark in name, target or attributes. */
  readonly marked: number
}

export interface UnusedQuestion {
  /** Images that a manifest declares or a stack applied last, by tag. */
  readonly images: ReadonlySet<string>
  /** Bottles that are declared or were applied, `STACK/BOTTLE`. */
  readonly bottles: ReadonlySet<string>
  /** Frozen images whose bottle is gone are unused, too. */
  readonly frozen: boolean
}

/** An image of this installation. */
export interface Unused {
  /** All that it is called; without a name its id. */
  readonly names: readonly string[]
  /** For people. */
  readonly what: string
  /** That become free, about; absent: not known. */
  readonly bytes?: number
  /** ISO 8601. */
  readonly createdAt: string
}

/** Daemons that say of each request what became of it. */
export type AuditedDaemon = 'egress' | 'git-gate'
export type LogSource = 'agent' | AuditedDaemon

export interface EngineEvent {
  readonly at: string
  /** What the engine says happened, for the log of `watch`. */
  readonly what: string
}

export interface MemoryUse {
  /** Without the cache of files that nobody uses. */
  readonly usedBytes: number
  /** What the machine has, where nothing less is set. */
  readonly limitBytes: number
}

/** A part that does not run, or does not tell, is absent. */
export interface BottleMemory {
  readonly agent?: MemoryUse
  readonly bundle?: MemoryUse
}

export interface DoctorFinding {
  readonly check: string
  readonly ok: boolean
  readonly found: string
  /** The one command that mends it. */
  readonly mend?: string
}

export interface Driver {
  readonly name: DriverName
  /** The engine's identity, for the state folder and the lock; throws `DriverError{unreachable}`. */
  engineId(): Promise<string>
  observe(stack: string): Promise<DriverObservation>
  actuator(lease: Lease): Actuator
  /** Runs a program in the agent's container; needs no lease. */
  exec(stack: string, bottle: string, request: ExecRequest): Promise<Execution>
  /** Runs the static helper in the agent's container with stdin from and stdout to the caller; `tty` gives it a terminal (`attach`). */
  helper(
    stack: string,
    bottle: string,
    args: readonly string[],
    user?: string,
    tty?: ExecRequest['tty'],
  ): Promise<Execution>
  /** Absent where the driver cannot hold a program. Refused while the bottle is not ready. */
  startProgram?(stack: string, bottle: string, request: ProgramRequest): Promise<void>
  /** Ends what runs, with everything it started; a program that does not run is a success. */
  stopProgram?(stack: string, bottle: string, graceSeconds: number): Promise<void>
  /** Of the image that the bottle's container was made from. */
  imageProgram?(stack: string, bottle: string): Promise<ImageProgram>
  /** What runs: `state` is `idle`, `running` or `exited`. */
  programStatus?(stack: string, bottle: string): Promise<Readonly<Record<string, unknown>>>
  /** The terminal of what runs; its exit code when it ends, 0 after the detach keys. */
  attachProgram?(stack: string, bottle: string, request: AttachRequest): Promise<Execution>
  /**
   * Output kept by the engine of the agent container, or the audit of one daemon as JSON lines: in order, no line twice;
   * `{ "lost": N }` stands where N lines are not there any more.
   */
  logs(
    stack: string,
    bottle: string,
    of: LogSource,
    options: { readonly follow: boolean; readonly tail?: number; readonly since?: string },
  ): Promise<Readable>
  /** Counters of a bundle's daemons; throws where its supervisor does not answer. Needs no lease. */
  metrics(stack: string, bottle: string, signal: AbortSignal): Promise<BundleMetrics>
  /** Changes of this stack's objects, as they happen; ends with `signal`. */
  events(stack: string, signal: AbortSignal): AsyncIterable<EngineEvent>
  /** By bottle; absent where the driver cannot tell. For people: nothing is decided by it. */
  memory?(stack: string): Promise<ReadonlyMap<string, BottleMemory>>
  /** Of this stack, oldest first; absent: the driver has none. */
  frozen?(stack: string): Promise<readonly FrozenImage[]>
  /** Images that this installation made here and nobody uses; absent: the driver makes none. Never writes. */
  unused?(question: UnusedQuestion): Promise<readonly Unused[]>
  /**
   * Needs no lease: what it removes belongs to no stack, and the engine refuses what came to be used meanwhile (a
   * `DriverError` then).
   */
  removeUnused?(unused: Unused): Promise<void>
  /** Stacks with live objects here, for `destroy --stack` and `status` without a manifest. */
  stacks(): Promise<readonly string[]>
  doctor(): Promise<readonly DoctorFinding[]>
}
