/** One call to the engine's API and what can come back, whoever makes it. */
import type { Readable } from 'node:stream'

/** Of the oldest engine this program runs on (20.10). Newer ones answer it too, or say which is the oldest that they do. */
export const API_VERSION = '1.41'

export interface Call {
  readonly method: 'GET' | 'POST' | 'DELETE' | 'HEAD' | 'PUT'
  readonly path: string
  readonly query?: Readonly<Record<string, string | number | boolean>>
  readonly body?: unknown
  /** Sent as it is (`application/x-tar`), instead of `body`. */
  readonly upload?: Readable
  readonly signal?: AbortSignal
  /** Default: `API_VERSION`. */
  readonly version?: string
}

/** A body as it comes. */
export type Answer = Readable & { readonly headers: Readonly<Record<string, string | string[] | undefined>> }

/** The engine answered, with a status that is no success. */
export class EngineRefusal extends Error {
  override readonly name = 'EngineRefusal'
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}
