/** `egress.dlp.detectors`: which kinds of tokens a bottle looks for beside those that every bottle does. */
import { describe, expect, it } from 'vitest'
import { explain } from '../../../src/manifest/explain.ts'
import type { DetectorSource } from '../../../src/manifest/detectors.ts'
import { knownMarks } from '../../../src/model/known.ts'
import { loadText, refusal, written } from './loading.ts'

const KIND = { id: 'api-token', anchors: ['acme_live_'], pattern: 'acme_live_[0-9A-Za-z]{30}' }
const source: DetectorSource = {
  names: ['acme', 'broken'],
  find: (name) =>
    name === 'acme'
      ? { shapes: [KIND], plugin: { version: '1.0.0', folder: '/home/dev/acme', overrides: false } }
      : name === 'broken'
        ? { unusable: 'api-token: unbounded' }
        : undefined,
}
const manifest = (detectors: string, more = '') => `version: 1
stack: acme
defaults: { egress: { dlp: { detectors: ${detectors} } } }
bottles:
  one: { egress: { routes: [{ host: a.test }]${more} } }
  two: { egress: { dlp: { detectors: [] } } }
`
const load = (text: string) => loadText(text, { detectors: async () => source })

describe('a detector', () => {
  it('is of every bottle that names it, and of no other', async () => {
    const loaded = await load(manifest('[acme]'))
    expect(loaded.marks('one')?.detectors).toEqual({ acme: [KIND] })
    expect(loaded.marks('two')).not.toHaveProperty('detectors')
  })

  it('is what egress of the bottle is to know, at the line that names it', async () => {
    const { desired, marks } = await load(manifest('[acme]'))
    const bundle = desired.resources.find(({ address }) => address === 'bundle/one')
    expect(bundle?.spec).toMatchObject({ knows: knownMarks(marks('one') ?? {}) })
    expect(bundle?.places['knows.detector/acme']).toMatchObject({ line: 3 })
  })

  it('is said to be a plug-in, where it is named', async () => {
    const { desired } = await load(manifest('[acme]'))
    expect(written(desired.warnings)).toBe(`-:3:42+4 warning plugin-used
  \`acme\` is the plug-in in \`/home/dev/acme\` (1.0.0)
  hint: its code runs here with your rights
`)
  })

  it('that there is not is an error, not a bottle that looks for less', async () => {
    const { diagnostics } = await refusal(load(manifest('[acne, elsewhere]')))
    expect(written(diagnostics)).toBe(`-:3:42+4 error unknown-detector
  there is no detector \`acne\`
  hint: did you mean \`acme\`?
-:3:48+9 error unknown-detector
  there is no detector \`elsewhere\`
  hint: there are \`acme\` and \`broken\`; a detector is a plug-in of yours: docs/plugins.md
`)
  })

  it('that cannot be used is an error with the reason', async () => {
    const { diagnostics } = await refusal(load(manifest('[broken]')))
    expect(written(diagnostics)).toContain(
      'error detector-unusable\n  the detector `broken` cannot be used: api-token: unbounded',
    )
  })

  it('is not asked for where no bottle names one', async () => {
    const asked = async (): Promise<DetectorSource> => Promise.reject(new Error('it was asked for'))
    expect((await loadText(manifest('[]'), { detectors: asked })).marks('one')).not.toHaveProperty(
      'detectors',
    )
  })
})

describe('the rules of a detector', () => {
  const allowed = (rule: string) => `, allow_findings: [{ rule: ${rule}, host: a.test }]`

  it('can be accepted by the bottle that names it alone', async () => {
    const { desired } = await load(manifest('[acme]', allowed('plugin/acme/api-token')))
    expect(desired.warnings.map(({ code }) => code)).toEqual(['plugin-used'])
    const without = await load(manifest('[]', allowed('plugin/acme/api-token')))
    expect(without.desired.warnings.map(({ code }) => code)).toEqual(['unknown-finding-rule'])
  })

  it('are named by whoever mistypes one', async () => {
    const { desired } = await load(manifest('[acme]', allowed('plugin/acme/api-tokn')))
    expect(desired.warnings).toContainEqual(
      expect.objectContaining({ hint: 'did you mean `plugin/acme/api-token`?' }),
    )
  })

  it.each(['bundle/one', 'bottle/one', 'one'])('are explained: %s', async (subject) => {
    const { fields } = explain(await load(manifest('[acme]')), subject)
    const place = expect.objectContaining({ line: 3 })
    expect(fields).toContainEqual({
      path: 'egress.dlp.detectors[0]',
      value: 'acme',
      place,
      via: ['defaults'],
    })
    expect(fields).toContainEqual({
      path: 'egress.dlp.detectors[0].rules[0]',
      value: 'plugin/acme/api-token',
      place,
      via: ['defaults'],
    })
  })
})
