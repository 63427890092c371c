/* oxlint-disable no-control-regex -- control characters are what is looked for */
import { Ajv2020 } from 'ajv/dist/2020.js'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { address } from '../../../src/model/address.ts'
import type { ApplyEvent } from '../../../src/model/event.ts'
import { eventLine, eventsHead } from '../../../src/render/events.ts'
import { liveProgress, plainProgress } from '../../../src/render/live.ts'
import { outcomeLines } from '../../../src/render/outcome.ts'
import { fold, NOTHING_YET } from '../../../src/render/progress.ts'
import { PLAIN } from '../../../src/render/style.ts'
import { DESIGN } from './plans.ts'

const at = '2026-05-01T10:00:00.000Z'
const bundle = address.bundle('reviewer')
const route = address.route('implementer', 'api.github.com')
const npm = address.route('implementer', 'npm.acme.example')
const key = address.key('old-agent', 'origin')
const text = (lines: readonly string[]): string => `\n${lines.join('\n')}\n`

const GOOD: readonly ApplyEvent[] = [
  { type: 'started', stack: 'acme', actions: DESIGN.actions, at },
  { type: 'action-started', address: key, verb: 'remove', at },
  { type: 'action-started', address: bundle, verb: 'remove-then-create', at },
  {
    type: 'action-ended',
    address: key,
    verb: 'remove',
    outcome: 'done',
    duration: 300,
    did: 'revoked at gitea.acme.example',
    at,
  },
  { type: 'action-progress', address: bundle, text: 'waiting for the doors', at },
  {
    type: 'action-ended',
    address: bundle,
    verb: 'remove-then-create',
    outcome: 'done',
    duration: 610,
    did: 'recreated',
    at,
  },
  { type: 'action-ended', address: route, verb: 'update', outcome: 'done', duration: 90, did: 'live', at },
  { type: 'action-ended', address: npm, verb: 'create', outcome: 'done', duration: 80, did: 'opened', at },
  { type: 'ended', outcome: 'done', duration: 1100, at },
]

const BAD: readonly ApplyEvent[] = [
  { type: 'started', stack: 'acme', actions: DESIGN.actions, at },
  {
    type: 'action-ended',
    address: key,
    verb: 'remove',
    outcome: 'done',
    duration: 300,
    did: 'revoked at gitea.acme.example',
    at,
  },
  {
    type: 'action-ended',
    address: bundle,
    verb: 'remove-then-create',
    outcome: 'failed',
    duration: 12_000,
    at,
    error: {
      code: 'name-taken',
      message: 'container bb_acme_reviewer_bundle is there and not ours',
      hint: 'docker rm bb_acme_reviewer_bundle',
    },
  },
  {
    type: 'action-ended',
    address: npm,
    verb: 'create',
    outcome: 'skipped',
    because: bundle,
    duration: 0,
    at,
  },
  { type: 'ended', outcome: 'failed', duration: 12_400, at },
]

describe('apply without a terminal', () => {
  test('is one line per event', () => {
    const lines: string[] = []
    const view = plainProgress((line) => lines.push(line))
    for (const event of GOOD) view.see(event)
    expect(text(lines)).toMatchInlineSnapshot(`
      "
      key/old-agent/origin remove done: revoked at gitea.acme.example (0.3 s)
      bundle/reviewer remove-then-create done: recreated (0.6 s)
      route/implementer/api.github.com update done: live (0.1 s)
      route/implementer/npm.acme.example create done: opened (0.1 s)
      "
    `)
  })
})

describe('apply on a terminal', () => {
  const play = (
    events: readonly ApplyEvent[],
    columns: number,
    rows: number,
  ): { screen: string; raw: string } => {
    let raw = ''
    const view = liveProgress(
      { write: (chunk) => void (raw += chunk), columns: () => columns, rows: () => rows },
      { ...PLAIN, width: columns },
      () => Date.parse(at) + 100,
    )
    for (const event of events) view.see(event)
    view.end()
    return { screen: shown(raw), raw }
  }
  test('keeps finished lines and clears what moved', () => {
    expect(`\n${play(GOOD, 100, 24).screen}`).toMatchInlineSnapshot(`
      "
      acme  4 actions
        ✓ key/old-agent/origin                revoked at gitea.acme.example                         0.3 s
        ✓ bundle/reviewer                     recreated                                             0.6 s
        ✓ route/implementer/api.github.com    live                                                  0.1 s
        ✓ route/implementer/npm.acme.example  opened                                                0.1 s
      "
    `)
  })
  test('keeps what is said meanwhile', () => {
    let raw = ''
    const view = liveProgress(
      { write: (chunk) => void (raw += chunk), columns: () => 100, rows: () => 24 },
      PLAIN,
      () => Date.parse(at),
    )
    for (const event of GOOD.slice(0, 3)) view.see(event)
    view.say(['stopping: starting nothing new'])
    for (const event of GOOD.slice(3)) view.see(event)
    view.end()
    expect(
      shown(raw)
        .split('\n')
        .filter((line) => line.startsWith('stopping')),
    ).toHaveLength(1)
    expect(shown(raw)).toContain('route/implementer/npm.acme.example')
  })
  test('shows what runs while it runs', () => {
    let raw = ''
    const view = liveProgress(
      { write: (chunk) => void (raw += chunk), columns: () => 100, rows: () => 24 },
      { ...PLAIN, width: 100 },
      () => Date.parse(at) + 100,
    )
    for (const event of GOOD.slice(0, 4)) view.see(event)
    const during = shown(raw)
    view.end()
    expect(`\n${during}`).toMatchInlineSnapshot(`
      "
      acme  4 actions
        ✓ key/old-agent/origin                revoked at gitea.acme.example                         0.3 s
        ⠋ bundle/reviewer                     recreating                                            0.1 s
        1 of 4
      "
    `)
  })
  test('never draws a line wider than the terminal, nor a region higher', () => {
    const started = DESIGN.actions.map((action): ApplyEvent => ({
      type: 'action-started',
      address: action.address,
      verb: action.verb,
      at,
    }))
    const { raw } = play([{ type: 'started', stack: 'acme', actions: DESIGN.actions, at }, ...started], 70, 4)
    for (const up of raw.matchAll(/\u001b\[(\d+)A/g)) expect(Number(up[1])).toBeLessThan(4)
    for (const line of raw.split('\n'))
      expect(line.replaceAll(/\u001b\[[?\d]*[A-Za-z]|\r/g, '').length).toBeLessThanOrEqual(70)
  })
  test('hides the cursor and always shows it again', () => {
    const { raw } = play(BAD, 80, 24)
    expect(raw.startsWith('\u001b[?25l')).toBe(true)
    expect(raw.endsWith('\u001b[?25h')).toBe(true)
  })
})

describe('the end of an apply', () => {
  const ended = (events: readonly ApplyEvent[]): string =>
    text(outcomeLines(events.reduce(fold, NOTHING_YET), PLAIN))
  test('is one line when all went well', () => {
    expect(ended(GOOD)).toMatchInlineSnapshot(`
      "
      applied in 1.1 s · everything ready
      "
    `)
  })
  test('names the command that goes on', () => {
    const lines = outcomeLines(BAD.reduce(fold, NOTHING_YET), PLAIN, { again: 'bot-bottle destroy' })
    expect(lines.at(-1)).toContain('The next `bot-bottle destroy` ')
  })
  test('is a table when something failed', () => {
    expect(ended(BAD)).toMatchInlineSnapshot(`
      "
      FAILED
        bundle/reviewer                     container bb_acme_reviewer_bundle is there and not ours (name-taken)
          hint: docker rm bb_acme_reviewer_bundle

      SKIPPED
        route/implementer/npm.acme.example  because bundle/reviewer failed

      NOT DONE
        route/implementer/api.github.com    not started

      DONE
        key/old-agent/origin                revoked at gitea.acme.example

      stopped with failures after 12 s: 1 failed, 1 skipped, 1 not done, 1 done
      The next \`bot-bottle apply\` tries the failed and the 2 not done again; what is done stays.
      "
    `)
  })
  test('says what is left after an interruption', () => {
    expect(ended([...GOOD.slice(0, 4), { type: 'ended', outcome: 'interrupted', duration: 400, at }]))
      .toMatchInlineSnapshot(`
        "
        NOT DONE
          route/implementer/api.github.com    not started
          route/implementer/npm.acme.example  not started
          bundle/reviewer                     interrupted

        DONE
          key/old-agent/origin                revoked at gitea.acme.example

        interrupted after 0.4 s: 3 not done, 1 done
        The next \`bot-bottle apply\` looks at what is there and does the 3 actions that are left.
        "
      `)
  })
  test('says that the next apply waits again after a time-out', () => {
    expect(
      ended([...GOOD.slice(0, 8), { type: 'ended', outcome: 'timeout', duration: 120_000, at }]),
    ).toContain('waits again')
  })
})

describe('events for programs', () => {
  const read = (name: string): object =>
    JSON.parse(readFileSync(new URL(`../../../schema/${name}.v1.json`, import.meta.url), 'utf8'))
  test('follow the published schema, the version first', () => {
    const ajv = new Ajv2020({
      strict: true,
      strictRequired: false,
      strictTypes: false,
      allowUnionTypes: true,
      schemas: [read('plan')],
    })
    const valid = ajv.compile(read('events'))
    const lines = [eventsHead('0.1.0'), ...[...GOOD, ...BAD].map(eventLine)]
    expect(JSON.parse(lines[0] ?? '')).toEqual({ type: 'version', version: 1, program: '0.1.0' })
    for (const line of lines) {
      expect(line).not.toContain('\n')
      valid(JSON.parse(line))
      expect(valid.errors ?? []).toEqual([])
    }
  })
})

/** What a terminal shows after these bytes: cursor up, carriage return and clearing below are all that is used. */
function shown(raw: string): string {
  const screen: string[] = []
  let line = 0
  for (const part of raw.split(/(\u001b\[[?\d]*[A-Za-z]|\n|\r)/)) {
    const up = /^\u001b\[(\d+)A$/.exec(part)
    if (part === '\n') line += 1
    else if (up) line -= Number(up[1])
    else if (part === '\u001b[J') screen.length = line
    else if (part !== '' && part !== '\r' && !part.startsWith('\u001b[?')) screen[line] = part
  }
  return `${screen.join('\n')}\n`
}
