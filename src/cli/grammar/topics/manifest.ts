/** `help manifest`: the language on one screen. */
export const LINES: readonly string[] = `\
The manifest, bottles.yaml

  version: 1
  stack: acme                      # owner mark on everything that is made
  bottles:
    dev:                           # a sandbox: no credential, no network
      env:
        CI: "1"
        BUILD_ID: \${BUILD_ID}      # copied from here at apply
      resources: { cpus: 2, memory: 4GiB }
      egress:
        routes:                    # all that may leave
          - host: api.github.com
            matches: [{ methods: [GET], paths: [{ prefix: /repos/acme/ }] }]
            auth: { scheme: bearer, token_ref: GITHUB_TOKEN }
  agents:                          # each agent is one live bottle
    implementer: { bottle: dev }
    reviewer: { bottle: dev }

Secrets are references: NAME, { env: NAME }, { file: path }, { command: [argv] }, or ?
(ask on the terminal). Values are read at apply and never stored.

Files: -f repeats and takes folders; all files of one stack are joined. --set PATH=VALUE
replaces one value: --set stack=acme-staging. One error anywhere: nothing is planned.

  $ bot-bottle init                       a first manifest with comments
  $ bot-bottle validate                   everything that is wrong, at once
  $ bot-bottle explain ADDRESS            where each field came from
  $ bot-bottle explain --url 'GET URL'    what egress would say, and by which line
  $ bot-bottle policy suggest BOTTLE      lines that would allow what was refused
  $ bot-bottle schema > manifest.v1.json  for editors`.split('\n')
