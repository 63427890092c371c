/** What every provider keeps to, built in or not. A plug-in of a user passes the same. */
import { isAbsolute } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Contribution, Provider, ProviderRequest, StartRequest } from '../../src/model/provider.ts'

export interface ProviderSubject {
  readonly provider: Provider
  /** All that it needs, and all that it can take. */
  readonly settings: Readonly<Record<string, string>>
}

const PLACEHOLDER = 'bot_bottle_placeholder_0123456789abcdef0123456789abcdef'
const [HOME, WORKSPACE] = ['/home/agent', '/workspace']

export function providerConformance({ provider, settings }: ProviderSubject): void {
  const asked = (over: Partial<ProviderRequest> = {}): Contribution =>
    provider.contribution({ settings, placeholder: PLACEHOLDER, home: HOME, workspace: WORKSPACE, ...over })
  const start = (over: Partial<StartRequest> = {}): StartRequest => ({
    hasPrompt: false,
    mcp: {},
    extra: [],
    settings,
    home: HOME,
    ...over,
  })
  const ways = [undefined, ...provider.takes]
  const all = ways.map((credential) => asked(credential && { credential }))

  describe(`the provider ${provider.name}`, () => {
    it('contributes the same to the same bottle, as plain values', () => {
      expect(asked()).toEqual(asked())
      expect(JSON.parse(JSON.stringify(all))).toEqual(all)
    })

    it('pins every package by its checksum, for both architectures', () => {
      const { packages } = asked().program
      expect(packages.length).toBeGreaterThan(0)
      for (const { integrity, version, path } of packages) {
        expect(integrity).toMatch(/^sha512-[A-Za-z0-9+/]{86}==$/)
        expect(version).toMatch(/^\d+\.\d+\.\d+/)
        expect(path).toMatch(/^node_modules\/(?!.*\.\.)[\w@./-]+$/)
      }
      for (const cpu of ['x64', 'arm64'])
        expect(packages.some((one) => one.cpu === undefined || one.cpu === cpu)).toBe(true)
    })

    it('has the version of its lock', () => {
      expect(asked().program.packages.some(({ version }) => version.startsWith(provider.version))).toBe(true)
    })

    it('names the program that it starts, and proves it', () => {
      const { commands, verify } = asked().program
      const [program = ''] = provider.start(start())
      expect(Object.keys(commands)).toContain(program)
      expect(verify.map(([first]) => first)).toContain(program)
      for (const target of Object.values(commands).flatMap((one) =>
        typeof one === 'string' ? one : Object.values(one),
      ))
        // Behind `/opt/agent/`, a link in an archive has 100 bytes.
        expect(target.length).toBeLessThan(89)
    })

    it('gives requests the credential, and nothing else of it to anybody', () => {
      for (const credential of provider.takes) {
        const { routes } = asked({ credential })
        expect(routes.some(({ auth }) => auth !== undefined && auth !== 'from-agent')).toBe(true)
        for (const { auth } of routes) expect(auth).not.toBe('from-agent')
      }
    })

    it('lets no route pass every request, and ends no session over what a scan finds', () => {
      for (const { routes } of all)
        for (const { matches = [], dlp } of routes) {
          expect(matches.length).toBeGreaterThan(0)
          for (const { paths } of matches) expect(paths.length).toBeGreaterThan(0)
          expect(dlp).toEqual({ outbound_on_match: 'redact' })
        }
    })

    it('hides each variable that holds the placeholder', () => {
      for (const { environment } of all)
        for (const [name, value] of Object.entries(environment))
          expect(provider.hidden.includes(name)).toBe(value.includes(PLACEHOLDER.slice(-20)))
    })

    it('holds nothing of a credential where the bottle has none', () => {
      const { environment, files } = asked()
      const kept = files.filter(({ once }) => once !== true)
      expect(JSON.stringify([environment, kept])).not.toContain(PLACEHOLDER)
    })

    it('writes to absolute paths, the home of the agent as the agent', () => {
      for (const { files, places } of all) {
        for (const { path, owner, mode } of files) {
          expect(isAbsolute(path)).toBe(true)
          expect(owner).toBe(path.startsWith(`${HOME}/`) ? 'agent' : 'root')
          expect(mode & 0o022).toBe(0)
        }
        for (const path of [places.prompt, places.skills]) expect(path.startsWith(`${HOME}/`)).toBe(true)
        expect(isAbsolute(places.userSkills)).toBe(false)
      }
    })

    it('starts with what the command line adds, and takes a prompt as one word', () => {
      const extra = ['--added', 'word']
      expect(provider.start(start({ extra })).join(' ')).toContain('--added word')
      expect(provider.resume(start({ extra })).join(' ')).toContain('--added word')
      const prompt = '--not an option; $(nor a command)'
      expect(provider.headless(prompt, start({ extra })).filter((word) => word === prompt)).toHaveLength(1)
      expect(provider.headless(prompt, start())).not.toEqual(provider.start(start()))
    })
  })
}
