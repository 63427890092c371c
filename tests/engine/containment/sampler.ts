/** What a neighbour on the host could see meanwhile: the arguments of every process, and what the engine tells everybody. */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { docker } from '../docker/stack.ts'

export interface Sampler {
  /** Every argument list that was seen, once each. */
  stop(): readonly string[]
}

export function sampleArguments(): Sampler {
  const seen = new Set<string>()
  let running = true
  const look = () => {
    for (const pid of readdirSync('/proc')) {
      if (!/^\d+$/.test(pid)) continue
      try {
        seen.add(readFileSync(`/proc/${pid}/cmdline`, 'latin1'))
      } catch {
        // It ended meanwhile.
      }
    }
    if (running) setImmediate(look)
  }
  look()
  return {
    stop() {
      running = false
      return [...seen]
    },
  }
}

export interface Follower {
  /** Every event since the follower began, one JSON object a line. */
  stop(): Promise<string>
}

/** The engine keeps its last 256 events only, so they are taken as they come. */
export function followEvents(): Follower {
  const since = String(Math.floor(Date.now() / 1000))
  const child = spawn('docker', ['events', '--since', since, '--format', '{{json .}}'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  let text = ''
  let told = () => {}
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
    told()
  })
  return {
    async stop() {
      const mark = `bb-lab-${randomBytes(8).toString('hex')}`
      const marked = new Promise<void>((resolve, reject) => {
        told = () => void (text.includes(mark) && resolve())
        child.once('close', () => reject(new Error('the engine ended its events')))
      })
      docker('volume', 'create', mark)
      docker('volume', 'rm', mark)
      await marked
      child.kill()
      return text
    },
  }
}
