/** `agent_provider` of one folded bottle: what the provider takes, what it needs, and nothing of another one's. */
import type { Place } from '../../model/diagnostic.ts'
import type { Provider, SettingRule } from '../../model/provider.ts'
import { CREDENTIAL_KEYS, type LeftOut } from '../../model/providers.ts'
import type { KnownProviders } from '../known-providers.ts'
import { at, entriesOf, entry, scalar, text, type Entry, type Node } from '../node.ts'
import { anyOf, quoted, type Report } from '../report.ts'
import { warnPlugin } from './plugin-used.ts'
import { looksLikeToken } from '../secret-ref.ts'
import { nearest } from '../suggest.ts'
import { checkReference } from './references.ts'

export function checkProvider(bottle: Node, providers: KnownProviders, report: Report): void {
  const written = entry(bottle, 'agent_provider')
  if (!written || written.value.kind !== 'map') return
  const template = entry(written.value, 'template')
  const { names, byName } = providers
  if (!template) {
    const hint = `${names.join(', ')} or the name of a plug-in`
    report.error('missing-key', written.place, '`agent_provider` needs `template`', hint)
    return
  }
  checkToken(at(written.value, 'auth_token'), report)
  checkReference(at(written.value, 'api_key_ref'), report)
  const name = text(template.value)
  const known = name === undefined ? undefined : byName.get(name)
  if (known) {
    const { provider, plugin } = known
    if (plugin) warnPlugin(template.value.place, provider.name, plugin, 'provider', report)
    checkCredential(written.value, provider, byName, report)
    checkVersion(entry(written.value, 'version'), provider, report)
    checkSettings(written, provider, report)
    checkBuild(written.value, report)
    checkVariables(at(bottle, 'env'), provider, report)
  } else if (name !== undefined && !saidLeftOut(template.value.place, providers.leftOut.get(name), report)) {
    const near = nearest(name, names)
    report.error(
      'unknown-provider',
      template.value.place,
      `there is no provider ${quoted(name)}`,
      near === undefined
        ? `there are ${anyOf(names.map(quoted)).replace(' or ', ' and ')}`
        : `did you mean ${quoted(near)}?`,
    )
  }
}

function saidLeftOut(place: Place, leftOut: LeftOut | undefined, report: Report): boolean {
  const [first] = leftOut?.diagnostics ?? []
  if (!leftOut || !first) return false
  report.error(
    'plugin-left-out',
    place,
    `the plug-in ${quoted(leftOut.name)} cannot be used: ${first.message}`,
    first.hint,
  )
  return true
}

/** A token where the name of a variable belongs; any other text is one. */
function checkToken(token: Node | undefined, report: Report): void {
  if (looksLikeToken(text(token) ?? '')) checkReference(token, report)
}

/** Keys that give the credential here, in the manifest's order. */
export function credentialEntries(written: Node): readonly Entry[] {
  return CREDENTIAL_KEYS.flatMap((key) => {
    const found = entry(written, key)
    return found && scalar(found.value) !== false ? [found] : []
  })
}

function checkCredential(
  written: Node,
  provider: Provider,
  providers: KnownProviders['byName'],
  report: Report,
): void {
  const taken: readonly string[] = provider.takes
  const given = credentialEntries(written)
  for (const { key, place } of given) {
    if (taken.includes(key)) continue
    const others = [...providers.values()].filter(({ provider: { takes } }) =>
      (takes as readonly string[]).includes(key),
    )
    const whose = others.length === 0 ? '' : ` is for ${anyOf(others.map(({ provider: { name } }) => name))}`
    report.error(
      'wrong-provider',
      place,
      `${quoted(key)}${whose || ' is for no provider of this release'}; ${quoted(provider.name)} takes ${anyOf(taken.map(quoted))}`,
    )
  }
  const [first, second] = given.filter(({ key }) => taken.includes(key))
  if (first && second)
    report.error(
      'exactly-one',
      second.place,
      `a provider has one credential: either ${quoted(first.key)} or ${quoted(second.key)}`,
    )
  if (given.length === 0)
    report.warning(
      'provider-without-credential',
      entry(written, 'template')?.value.place ?? written.place,
      `nothing signs ${quoted(provider.name)} in: whoever signs in inside the bottle leaves the credential there, where the agent can read it`,
      `${anyOf(taken.map(quoted))} keeps it out of the bottle`,
    )
}

function checkVersion(version: Entry | undefined, provider: Provider, report: Report): void {
  const wanted = text(version?.value)
  if (!version || wanted === undefined || wanted === provider.version) return
  report.error(
    'provider-version',
    version.value.place,
    `this release installs ${quoted(provider.name)} ${provider.version}, whose files it can check, and no other version`,
    `leave \`version\` out, or install ${quoted(wanted)} in a Dockerfile of your own: \`dockerfile: PATH\``,
  )
}

function checkBuild(written: Node, report: Report): void {
  const build = entry(written, 'build')
  if (build && !entry(written, 'dockerfile'))
    report.error(
      'missing-key',
      build.place,
      '`build` says how a Dockerfile is built',
      'name it: `dockerfile: PATH`',
    )
}

function checkSettings({ value: written, place }: Entry, provider: Provider, report: Report): void {
  const settings = entry(written, 'settings')
  const known = Object.keys(provider.settings)
  for (const { key, place: where, value } of entriesOf(settings?.value)) {
    const rule = provider.settings[key]
    if (rule) checkSetting(key, value, rule, report)
    else
      report.error(
        'unknown-key',
        where,
        `${quoted(key)} is no setting of ${quoted(provider.name)}`,
        known.length === 0 ? 'it has none' : `it has ${anyOf(known.map(quoted)).replace(' or ', ' and ')}`,
      )
  }
  for (const [key, { required }] of Object.entries(provider.settings))
    if (required === true && !entry(settings?.value, key))
      report.error(
        'missing-key',
        settings?.place ?? place,
        `${quoted(provider.name)} needs \`settings.${key}\``,
      )
}

function checkSetting(key: string, value: Node, rule: SettingRule, report: Report): void {
  const said = text(value)
  const wrong = said === undefined || said === '' ? 'is a text' : wrongText(said, rule)
  if (wrong !== undefined) report.error('bad-setting', value.place, `${quoted(key)} ${wrong}`)
}

function wrongText(said: string, { type, values = [] }: SettingRule): string | undefined {
  if (type === 'one-of') return values.includes(said) ? undefined : `is ${anyOf(values.map(quoted))}`
  if (type === 'text') return /[\p{Cc}]/u.test(said) ? 'holds a control character' : undefined
  const url = URL.parse(said)
  const plain =
    url?.protocol === 'https:' &&
    [url.username, url.password, url.search, url.hash].every((part) => part === '')
  return plain ? undefined : 'is an https URL without user, query and fragment'
}

/** Its value would stand instead of what signs the program in. */
function checkVariables(env: Node | undefined, provider: Provider, report: Report): void {
  for (const { key, place } of entriesOf(env))
    if (provider.hidden.includes(key))
      report.error(
        'reserved-env',
        place,
        `${quoted(key)} is set by the provider ${quoted(provider.name)}`,
        `say where the credential is had: \`agent_provider.${provider.takes[0] ?? 'api_key_ref'}\``,
      )
}
