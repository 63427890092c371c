/* oxlint-disable no-control-regex -- control characters are what is looked for */
import { Ajv2020 } from 'ajv/dist/2020.js'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { address } from '../../../src/model/address.ts'
import { markdownPlan } from '../../../src/render/markdown.ts'
import { planDocument, jsonPlan } from '../../../src/render/plan-document.ts'
import { prettyPlan } from '../../../src/render/pretty-plan.ts'
import { PLAIN, styleFor } from '../../../src/render/style.ts'
import { action, DESIGN, LARGE, planOf, ROUTE_EDIT } from './plans.ts'

const text = (lines: readonly string[]): string => `\n${lines.join('\n')}\n`

describe('a plan for people', () => {
  test('is one line per action, differences below it, counts last', () => {
    expect(text(prettyPlan(DESIGN, PLAIN))).toMatchInlineSnapshot(`
      "
      acme · bottles.yaml · docker 20.10.24 (local)

      ~ route/implementer/api.github.com    declared paths changed    [live, agent keeps running]
          matches[0].paths[0].prefix: /repos/acme/app/ → /repos/acme/  bottles.yaml:31
      + route/implementer/npm.acme.example  not there yet             [live, agent keeps running]
          npm.acme.example [auth:bearer] [from: bottles.yaml:34]
          NPM_TOKEN: checked at apply
      ∓ bundle/reviewer                     drift: container is gone  [doors away < 2 s, agent keeps running]
      - key/old-agent/origin                no longer declared        [live, agent keeps running]
          read-write, made 12 days ago, last used yesterday

      1 to create, 1 to update, 1 to repair, 1 to remove · no agent restarts
      Run \`bot-bottle apply\`. Why: \`bot-bottle explain route/implementer/npm.acme.example\`
      "
    `)
  })
  test('says in sync when nothing differs', () => {
    expect(text(prettyPlan(planOf([]), PLAIN))).toMatchInlineSnapshot(`
      "
      acme · bottles.yaml · docker 20.10.24 (local)
      in sync: 0 resources, nothing to do
      "
    `)
  })
  test('uses ASCII signs where asked', () => {
    expect(text(prettyPlan(DESIGN, { ...PLAIN, unicode: false }))).toMatchInlineSnapshot(`
      "
      acme - bottles.yaml - docker 20.10.24 (local)

      ~   route/implementer/api.github.com    declared paths changed    [live, agent keeps running]
          matches[0].paths[0].prefix: /repos/acme/app/ -> /repos/acme/  bottles.yaml:31
      +   route/implementer/npm.acme.example  not there yet             [live, agent keeps running]
          npm.acme.example [auth:bearer] [from: bottles.yaml:34]
          NPM_TOKEN: checked at apply
      -/+ bundle/reviewer                     drift: container is gone  [doors away < 2 s, agent keeps running]
      -   key/old-agent/origin                no longer declared        [live, agent keeps running]
          read-write, made 12 days ago, last used yesterday

      1 to create, 1 to update, 1 to repair, 1 to remove - no agent restarts
      Run \`bot-bottle apply\`. Why: \`bot-bottle explain route/implementer/npm.acme.example\`
      "
    `)
  })
  test('folds on a narrow terminal and never cuts an address', () => {
    const lines = prettyPlan(DESIGN, { ...PLAIN, width: 60 })
    expect(text(lines)).toMatchInlineSnapshot(`
      "
      acme · bottles.yaml · docker 20.10.24 (local)

      ~ route/implementer/api.github.com  declared paths changed
          [live, agent keeps running]
          matches[0].paths[0].prefix: /repos/acme/app/ → /repos/acme/  bottles.yaml:31
      + route/implementer/npm.acme.example  not there yet
          [live, agent keeps running]
          npm.acme.example [auth:bearer] [from: bottles.yaml:34]
          NPM_TOKEN: checked at apply
      ∓ bundle/reviewer  drift: container is gone
          [doors away < 2 s, agent keeps running]
      - key/old-agent/origin  no longer declared
          [live, agent keeps running]
          read-write, made 12 days ago, last used yesterday

      1 to create, 1 to update, 1 to repair, 1 to remove · no agent restarts
      Run \`bot-bottle apply\`. Why:
      \`bot-bottle explain route/implementer/npm.acme.example\`
      "
    `)
  })
  test('groups more than forty actions by bottle, and shows all with --full', () => {
    expect(prettyPlan(LARGE, PLAIN).slice(0, 8)).toMatchInlineSnapshot(`
      [
        "acme · bottles.yaml · docker 20.10.24 (local)",
        "",
        "+ uplink  not there yet  [new]",
        "bottle-0   2 to create  [agent keeps running or is new]",
        "bottle-1   2 to create  [agent keeps running or is new]",
        "bottle-2   2 to create  [agent keeps running or is new]",
        "bottle-3   2 to create  [agent keeps running or is new]",
        "bottle-4   2 to create  [agent keeps running or is new]",
      ]
    `)
    expect(prettyPlan(LARGE, PLAIN, { full: true })).toHaveLength(1 + 1 + 51 + 1 + 2)
  })
  test('counts an agent that restarts and names it', () => {
    const restart = action({
      verb: 'update',
      address: address.guest('implementer'),
      kind: 'guest',
      bottle: 'implementer',
      reason: 'environment changed',
      impact: 'restart-agent',
      differences: [
        {
          path: 'env.NPM_TOKEN',
          before: { from: 'literal', digest: 'aaaa' },
          after: { from: 'literal', digest: 'bbbb' },
          cause: 'edit',
          impact: 'restart-agent',
        },
      ],
    })
    expect(text(prettyPlan(planOf([restart]), PLAIN, { advice: false }))).toMatchInlineSnapshot(`
      "
      acme · bottles.yaml · docker 20.10.24 (local)

      ~ guest/implementer  environment changed  [agent restarts]
          env.NPM_TOKEN: changed

      1 to update · 1 agent restarts: implementer
      "
    `)
  })
  test('shows environment as names only', () => {
    const guest = action({
      verb: 'update',
      address: address.guest('a'),
      kind: 'guest',
      bottle: 'a',
      reason: 'environment changed',
      differences: [
        { path: 'env.KEY', before: 'CANARY-1', after: 'CANARY-2', cause: 'edit', impact: 'restart-agent' },
        { path: 'env', after: { KEY: 'CANARY-3' }, cause: 'edit', impact: 'restart-agent' },
      ],
    })
    expect(text(prettyPlan(planOf([guest]), PLAIN))).not.toContain('CANARY')
    expect(text(markdownPlan(planOf([guest])))).not.toContain('CANARY')
  })
  test('makes hidden characters of names, reasons and values visible', () => {
    const evil = '\u001b]52;c;aGk=\u0007\u202egnp.exe\u009b2J'
    const lines = prettyPlan(
      planOf(
        [
          action({
            ...ROUTE_EDIT,
            reason: evil,
            notes: [evil],
            differences: [
              {
                path: evil,
                before: evil,
                after: [evil],
                cause: 'drift',
                impact: 'live',
                place: { file: evil, line: 1, column: 1 },
              },
            ],
          }),
        ],
        { stack: evil, origin: evil, notes: [evil], engines: { docker: evil } },
      ),
      PLAIN,
    )
    for (const line of lines) expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/)
  })
})

describe('style', () => {
  const terminal = { terminal: true, columns: 100, ascii: false }
  test('NO_COLOR takes the colour only', () => {
    expect(styleFor({ ...terminal, env: { NO_COLOR: '1' } })).toEqual({
      color: false,
      unicode: true,
      width: 100,
    })
  })
  test('TERM=dumb takes colour and symbols', () => {
    expect(styleFor({ ...terminal, env: { TERM: 'dumb' } })).toEqual({
      color: false,
      unicode: false,
      width: 100,
    })
  })
  test('a pipe has neither colour nor a width', () => {
    expect(styleFor({ ...terminal, terminal: false, env: {} })).toEqual({
      color: false,
      unicode: true,
      width: 0,
    })
  })
  test('colour never changes the text', () => {
    const coloured = prettyPlan(DESIGN, { ...PLAIN, color: true }).join('\n')
    expect(coloured).toContain('\u001b[')
    expect(coloured.replaceAll(/\u001b\[\d+m/g, '')).toBe(prettyPlan(DESIGN, PLAIN).join('\n'))
  })
})

describe('a plan for programs', () => {
  const schema = JSON.parse(readFileSync(new URL('../../../schema/plan.v1.json', import.meta.url), 'utf8'))
  const valid = new Ajv2020({ strict: true, strictRequired: false, allowUnionTypes: true }).compile(schema)
  test.each([
    ['design', DESIGN],
    ['large', LARGE],
    ['empty', planOf([])],
  ])('follows the published schema: %s', (_, plan) => {
    valid(JSON.parse(jsonPlan(plan).join('\n')))
    expect(valid.errors ?? []).toEqual([])
  })
  test('is whole also when it is large', () => {
    expect(planDocument(LARGE).actions).toHaveLength(51)
  })
  test('is printable ASCII and loses nothing', () => {
    const plan = planOf([], { notes: ['\u009b2J\u202e ünïcode \ud83d\ude00'] })
    const lines = jsonPlan(plan)
    for (const line of lines) expect(line).toMatch(/^[\x20-\x7e]*$/)
    expect(JSON.parse(lines.join('\n')).notes).toEqual(plan.notes)
  })
})

describe('a plan as a comment', () => {
  test('is a table with the differences folded away', () => {
    expect(text(markdownPlan(DESIGN))).toMatchInlineSnapshot(`
      "
      <!-- bot-bottle:acme -->
      ### <code>acme</code>: 1 to create, 1 to update, 1 to repair, 1 to remove · no agent restarts

      <code>bottles&#46;yaml</code> · <code>docker 20&#46;10&#46;24 (local)</code>

      | | object | why | impact |
      |---|---|---|---|
      | <code>&#126;</code> | <code>route/implementer/api&#46;github&#46;com</code> | <code>declared paths changed</code> | live, agent keeps running |
      | <code>&#43;</code> | <code>route/implementer/npm&#46;acme&#46;example</code> | <code>not there yet</code> | live, agent keeps running |
      | <code>&#8723;</code> | <code>bundle/reviewer</code> | <code>drift&#58; container is gone</code> | doors away < 2 s, agent keeps running |
      | <code>-</code> | <code>key/old-agent/origin</code> | <code>no longer declared</code> | live, agent keeps running |

      <details><summary>Differences</summary>

      \`\`\`text
      acme · bottles.yaml · docker 20.10.24 (local)

      ~ route/implementer/api.github.com    declared paths changed    [live, agent keeps running]
          matches[0].paths[0].prefix: /repos/acme/app/ → /repos/acme/  bottles.yaml:31
      + route/implementer/npm.acme.example  not there yet             [live, agent keeps running]
          npm.acme.example [auth:bearer] [from: bottles.yaml:34]
          NPM_TOKEN: checked at apply
      ∓ bundle/reviewer                     drift: container is gone  [doors away < 2 s, agent keeps running]
      - key/old-agent/origin                no longer declared        [live, agent keeps running]
          read-write, made 12 days ago, last used yesterday

      1 to create, 1 to update, 1 to repair, 1 to remove · no agent restarts
      \`\`\`

      </details>
      "
    `)
  })
  test('says so when nothing differs', () => {
    expect(text(markdownPlan(planOf([])))).toMatchInlineSnapshot(`
      "
      <!-- bot-bottle:acme -->
      ### <code>acme</code>: nothing to do

      <code>bottles&#46;yaml</code> · <code>docker 20&#46;10&#46;24 (local)</code>

      Live state is what the manifest says.
      "
    `)
  })
  test('renders no mention, link, image, HTML or fence of others', () => {
    const evil = '@octocat ![x](https://evil.example/x) <img src=x> | ``` </details>'
    const lines = markdownPlan(
      planOf([action({ ...ROUTE_EDIT, reason: evil, notes: [evil] })], { notes: [evil] }),
    )
    const fence = lines.findIndex((line) => line.startsWith('````text'))
    expect(fence).toBeGreaterThan(0)
    const outside = [...lines.slice(0, fence), ...lines.slice(lines.lastIndexOf('````') + 1)].join('\n')
    for (const sign of ['@', '![', '<img', '](']) expect(outside).not.toContain(sign)
  })
  test('fits into a comment', () => {
    const many = Array.from({ length: 3000 }, () => ROUTE_EDIT)
    expect(markdownPlan(planOf(many)).join('\n').length).toBeLessThan(65_536 + 20_000)
  })
})
