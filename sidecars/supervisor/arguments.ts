/** What the supervisor is started with. Nothing in it is a secret: every user of the machine may read it. */
import { existsSync } from 'node:fs'
import { dirname, extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { DAEMONS, type DaemonName } from '../../src/model/control.ts'
import type { DaemonSpec } from './daemon.ts'
import { EGRESS_DOORS, GATE_DOORS } from './doors.ts'

export interface SupervisorOptions {
  readonly bottle: string
  readonly version: string
  readonly daemons: readonly DaemonSpec[]
  /** Folder of the control socket. Default `/run/supervisor`. */
  readonly run: string
  /** Folder of the uplink's dial socket. Default `/uplink`. */
  readonly uplink: string
  /** The static helper. Default `/.bb/guest`; not there: the links are read once a second only, and nobody adopts what git leaves. */
  readonly helper: string
}

/** Uids that daemons may have (contract.md, What a bottle keeps). */
const UIDS = { min: 20_000, max: 59_999 }

/** Throws with words about the argument that is wrong. */
export function parseSupervisorArguments(argv: readonly string[], builtVersion: string): SupervisorOptions {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      bottle: { type: 'string' },
      daemon: { type: 'string', multiple: true, default: [] },
      version: { type: 'string', default: builtVersion },
      bin: { type: 'string', default: '/bb/bin' },
      programs: { type: 'string', default: dirname(import.meta.dirname) },
      run: { type: 'string', default: '/run/supervisor' },
      uplink: { type: 'string', default: '/uplink' },
      helper: { type: 'string', default: '/.bb/guest' },
    },
  })
  if (values.bottle === undefined) throw new Error('--bottle NAME is missing')
  const { bin, programs } = values
  const adopter = existsSync(values.helper) ? values.helper : undefined
  const daemons = values.daemon.map((text) => parseDaemon(text, { bin, programs, adopter }))
  if (new Set(daemons.map(({ name }) => name)).size < daemons.length)
    throw new Error('--daemon names a daemon twice')
  if (new Set(daemons.map(({ uid }) => uid)).size < daemons.length)
    throw new Error('two daemons have one uid')
  const { bottle, version, run, uplink, helper } = values
  return { bottle, version, daemons, run, uplink, helper }
}

interface Places {
  readonly bin: string
  readonly programs: string
  readonly adopter: string | undefined
}

function parseDaemon(argument: string, { bin, programs, adopter }: Places): DaemonSpec {
  const [, name, digits] = /^([a-z-]+)=(\d{1,6})$/.exec(argument) ?? []
  const known = DAEMONS.find((daemon) => daemon === name)
  const uid = Number(digits)
  if (known === undefined)
    throw new Error(`--daemon ${argument}: it is NAME=UID with one of ${DAEMONS.join(', ')}`)
  if (uid < UIDS.min || uid > UIDS.max)
    throw new Error(`--daemon ${argument}: the uid is not from ${UIDS.min} to ${UIDS.max}`)
  const suffix = programSuffix()
  return {
    name: known,
    uid,
    binary: join(bin, known),
    program: join(programs, known, `main${suffix}`),
    ...(known === 'egress' && suffix === '.js' && { snapshot: join(programs, known, 'main.blob') }),
    doors: DOORS_OF[known],
    onDemand: known === 'git-gate',
    ...(known === 'git-gate' && adopter !== undefined && { adopter }),
  }
}

const DOORS_OF: Readonly<Record<DaemonName, DaemonSpec['doors']>> = {
  egress: EGRESS_DOORS,
  'git-gate': GATE_DOORS,
  supervise: [],
}

/** `.js` in the image, `.ts` in a checkout. */
function programSuffix(): string {
  return extname(fileURLToPath(import.meta.url))
}
