/** Questions and answers between the supervisor and one life of a daemon, each with a deadline. */
import type { ChildProcess } from 'node:child_process'
import { ControlError } from '../control/server.ts'
import { decodeFromDaemon } from './answers.ts'
import type { DaemonConfig } from './configuration.ts'
import type { DaemonAnswer, LogLine, Spent, ToDaemon, ToVerify } from './ipc.ts'

type WithoutId<T> = T extends { readonly id: number } ? Omit<T, 'id'> : never
export type Question = WithoutId<ToDaemon<DaemonConfig> | ToVerify>

export interface Conversation {
  /** The version the daemon says it has; rejects when it goes, or says nothing in time. */
  readonly ready: Promise<string>
  ask(question: Question, deadlineMs: number): Promise<DaemonAnswer>
  /** Nothing is answered any more: what is still open fails. */
  end(): void
}

interface Open {
  readonly resolve: (answer: DaemonAnswer) => void
  readonly reject: (error: Error) => void
  readonly timer: NodeJS.Timeout
}

/** Node and the daemon's own start, on a machine under load. */
const READY_DEADLINE_MS = 15_000

export function converse(
  child: ChildProcess,
  onLog: (line: LogLine) => void,
  onSpent: (spent: Spent) => void,
  onNonsense: () => void,
): Conversation {
  const open = new Map<number, Open>()
  let lastId = 0
  let settleReady: { resolve(version: string): void; reject(error: Error): void } | undefined
  const ready = new Promise<string>((resolve, reject) => {
    settleReady = { resolve, reject }
  })
  ready.catch(() => undefined)
  const notReady = setTimeout(
    () => settleReady?.reject(new ControlError('daemon-silent', 'it did not become ready')),
    READY_DEADLINE_MS,
  )

  child.on('message', (message, handle) => {
    // No daemon has a reason to send a handle.
    if (handle !== undefined && handle !== null) closeHandle(handle)
    try {
      const said = decodeFromDaemon(message)
      if ('ready' in said) {
        clearTimeout(notReady)
        return settleReady?.resolve(said.version)
      }
      if ('log' in said) return onLog(said.log)
      if ('spent' in said) return onSpent(said.spent)
      const waiting = open.get(said.id)
      if (waiting === undefined) return onNonsense()
      open.delete(said.id)
      clearTimeout(waiting.timer)
      if (said.ok) waiting.resolve(said.value)
      else waiting.reject(new ControlError(said.code, said.message))
    } catch {
      onNonsense()
    }
  })

  return {
    ready,
    ask(question, deadlineMs) {
      return new Promise((resolve, reject) => {
        lastId += 1
        const id = lastId
        const fail = (code: string, message: string): void => {
          const waiting = open.get(id)
          if (waiting === undefined) return
          open.delete(id)
          clearTimeout(waiting.timer)
          reject(new ControlError(code, message))
        }
        const timer = setTimeout(() => fail('daemon-silent', `no answer to ${question.op}`), deadlineMs)
        open.set(id, { resolve, reject, timer })
        child.send({ ...question, id }, (error) => {
          if (error !== null) fail('daemon-gone', `it went before ${question.op}`)
        })
      })
    },
    end() {
      clearTimeout(notReady)
      settleReady?.reject(new ControlError('daemon-gone', 'it went before it was ready'))
      for (const waiting of open.values()) {
        clearTimeout(waiting.timer)
        waiting.reject(new ControlError('daemon-gone', 'it went before it answered'))
      }
      open.clear()
    },
  }
}

function closeHandle(handle: object): void {
  if ('destroy' in handle && typeof handle.destroy === 'function') handle.destroy()
  else if ('close' in handle && typeof handle.close === 'function') handle.close()
}
