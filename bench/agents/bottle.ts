/** A stack of one bottle with an agent, whose API is on this machine; driven as a person does, by the program. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Answer, Api, Asked } from '../../scripts/labs/model-api/api.ts'
import type { Provider } from '../../src/model/provider.ts'
import { time } from '../measure.ts'

export interface Agent {
  readonly provider: Provider
  readonly host: string
  readonly credential: string
  readonly answer: (asked: Asked) => Answer
}

const PROGRAM = join(import.meta.dirname, '../../bin/bot-bottle')
export const PROMPT = 'Say it.'

export class Bottle {
  readonly container: string
  readonly #stack: string
  readonly #manifest: string
  readonly #folder: string

  constructor({ provider: { name }, host, credential }: Agent, api: Api, folder: string) {
    this.#folder = folder
    this.#stack = `bench-agents-${name}`
    this.container = `bb_${this.#stack}_one_agent`
    this.#manifest = join(folder, 'bottles.yaml')
    mkdirSync(join(folder, 'state'), { mode: 0o700 })
    writeFileSync(join(folder, 'api.pem'), api.authority)
    writeFileSync(
      this.#manifest,
      `version: 1
stack: ${this.#stack}
uplink: { trust: [api.pem], hosts: { ${host}: ${api.address} } }
bottles:
  one:
    resources: { memory: 2GiB, pids: 512 }
    agent_provider: { template: ${name}, ${credential} }
    egress: { routes: [{ host: ${host}, allow_private: true }] }
`,
    )
  }

  apply(): Promise<number> {
    return this.#run(['apply', '--yes', '--timeout', '600', '-f', this.#manifest])
  }

  /** `seen`: told of all that it has printed. */
  async work(seen: (text: string) => void): Promise<void> {
    const how = ['--headless', '--output', 'events', '--prompt', PROMPT] as const
    await this.#run(['run', ...how, '-f', this.#manifest, 'one'], seen)
  }

  async destroy(): Promise<void> {
    await this.#run(['destroy', '--yes', '--stack', this.#stack])
  }

  #run(words: readonly string[], seen?: (text: string) => void): Promise<number> {
    const env = {
      BOT_BOTTLE_HOME: join(this.#folder, 'state'),
      AGENT_KEY: 'sk-bench-0123456789abcdef',
      NO_COLOR: '1',
    }
    return time({ argv: [PROGRAM, ...words], env, cwd: this.#folder, ...(seen && { seen }) })
  }
}
