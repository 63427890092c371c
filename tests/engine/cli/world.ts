/** What is there after a run, in a form that two runs can be compared by: without ids, times, keys and the names of stack and folder. */
import { readdirSync } from 'node:fs'
import { join, relative } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { dockerDriver } from '../../../src/drivers/docker/index.ts'
import { canonical } from '../../../src/model/json.ts'
import { openHome } from '../../../src/state/home.ts'
import { docker } from '../docker/stack.ts'
import type { Program } from './program.ts'

type Tree = Readonly<Record<string, unknown>>

/** Objects whose digest holds what each installation makes for itself: certificates, and the canary that egress recognises. */
const OWN = /^(?:guest|ca|bundle)\//

export async function worldOf(program: Program): Promise<string> {
  const world = {
    containers: engineObjects(program.stack),
    held: await heldByDaemons(program),
    files: filesOf(program.home),
    journal: journalOf(program.home),
  }
  const text = JSON.stringify(JSON.parse(canonical(JSON.parse(JSON.stringify(world)))), null, 1)
  // Users of daemons are numbered by the names of stack and bottle.
  return text
    .replaceAll(program.stack, 'STACK')
    .replaceAll(program.folder, 'FOLDER')
    .replaceAll(/egress=\d{5}/g, 'egress=UID')
    .replaceAll(/(dev\.bot-bottle\.uids": ")[\d,]+/g, '$1UID')
}

function engineObjects(stack: string): readonly unknown[] {
  const ids = docker('ps', '-aq', '--no-trunc', '--filter', `label=dev.bot-bottle.stack=${stack}`)
  const containers = ids === '' ? [] : (JSON.parse(docker('inspect', ...ids.split('\n'))) as readonly Tree[])
  const names = new Map(containers.map((found) => [String(found['Id']), String(found['Name'])]))
  const named = (value: unknown): unknown =>
    JSON.parse(JSON.stringify(value).replaceAll(/[0-9a-f]{64}/g, (id) => names.get(id) ?? id)) as unknown
  const list = (kind: string) =>
    docker(kind, 'ls', '--filter', `label=dev.bot-bottle.stack=${stack}`, '--format', '{{.Name}}')
      .split('\n')
      .sort()
  return [
    ...containers
      .map((found) => {
        const config = found['Config'] as Tree
        const all = config['Labels'] as Tree
        const own = OWN.test(String(all['dev.bot-bottle.address']))
        const labels = Object.entries(all).filter(
          ([key]) => !/installation/.test(key) && !(own && key === 'dev.bot-bottle.digest'),
        )
        const state = found['State'] as Tree
        return named({
          name: found['Name'],
          config: { ...config, Hostname: '', Labels: Object.fromEntries(labels) },
          host: found['HostConfig'],
          running: state['Running'],
          paused: state['Paused'],
          networks: Object.keys((found['NetworkSettings'] as { readonly Networks: Tree }).Networks),
        })
      })
      .sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)),
    list('volume'),
    list('network'),
  ]
}

/** What the daemons themselves say that they hold: the record, the tables, the policies. */
async function heldByDaemons({ home, stack }: Program): Promise<unknown> {
  const { installation } = openHome({ env: {}, stateDir: home })
  const { uplink } = await dockerDriver(process.env, { installation }).observe(stack)
  if (!uplink || 'unknown' in uplink) return uplink
  const { record, policy, bottles } = uplink.status
  const objects = Object.entries(record?.objects ?? {}).map(([address, object]) => {
    return [address, { digest: OWN.test(address) ? '' : object.digest, protect: object.protect }]
  })
  return {
    // The machine's own addresses come and go with the networks of others.
    policy: { ...policy, hostAddresses: [] },
    record: { objects: Object.fromEntries(objects) as unknown, bottles: record?.bottles },
    bottles: Object.entries(bottles)
      .sort(byName)
      .map(([bottle, { targets, supervisor }]) => {
        if ('unknown' in supervisor) return { bottle, targets, supervisor }
        const egress = supervisor.daemons.egress?.egress
        return {
          bottle,
          targets,
          links: supervisor.links,
          routes: egress?.routes,
          log: egress?.log,
          hosts: egress?.issuer?.hosts,
          secrets: Object.keys(egress?.secrets ?? {}),
        }
      }),
  }
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1
}

/** `holder.json` of a process that was killed only tells who it was; the next holder replaces it. */
function filesOf(home: string): readonly string[] {
  return readdirSync(home, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) =>
      relative(home, join(entry.parentPath, entry.name)).replace(/^stacks\/[^/]+\//, 'stacks/ENGINE/'),
    )
    .filter((path) => !path.startsWith('cache/') && !/\.sqlite-(wal|shm)$|holder\.json$/.test(path))
    .sort()
}

/** Addresses that count as applied, and rows that nobody ended. */
function journalOf(home: string): unknown {
  const path = readdirSync(home, { recursive: true, encoding: 'utf8' }).find((name) =>
    name.endsWith('state.sqlite'),
  )
  if (path === undefined) return undefined
  const database = new DatabaseSync(join(home, path), { readOnly: true })
  try {
    return {
      applied: database.prepare('SELECT address FROM applied ORDER BY address').all(),
      open: database.prepare('SELECT address, verb FROM operations WHERE ended_at IS NULL').all(),
    }
  } finally {
    database.close()
  }
}
