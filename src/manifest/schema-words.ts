/** For each kind of word in the schema: what is said when one is spelt wrong. */
import { quoted } from './report.ts'

interface Broken {
  readonly code: string
  readonly message: string
  readonly hint?: string
}

/** `definition` is the schema's name for the kind of word, `key` the key it stands under. */
export function broken(definition: string, value: string, key: string | undefined): Broken {
  const shown = quoted(value)
  switch (definition) {
    case 'name':
    case 'nameOrNames':
      return {
        code: 'bad-name',
        message: value === '' ? 'a name is empty' : `${shown} is not a name`,
        hint: nameHint(value),
      }
    case 'variableName':
      return {
        code: 'bad-variable-name',
        message: `${shown} is not the name of a variable`,
        hint: 'letters, digits and underscores; no digit first',
      }
    case 'secretRef':
      return {
        code: 'bad-secret-ref',
        message: 'this is not the name of a variable',
        hint: 'a secret stands here only as a reference: NAME, { env: NAME }, { file: path }, { command: [argv] } or "?"',
      }
    case 'size':
    case 'sizePerDay':
      return {
        code: 'bad-size',
        message: `${shown} is not a size`,
        hint:
          definition === 'size' ? 'for example 512MiB, 4GiB, or a number of bytes' : 'for example 50MiB/day',
      }
    case 'duration':
      return {
        code: 'bad-duration',
        message: `${shown} is not a duration`,
        hint: 'for example 30s, 10m, 24h',
      }
    case 'rate':
      return { code: 'bad-rate', message: `${shown} is not a rate`, hint: 'for example 10/s, 100/m' }
    case 'color':
      return {
        code: 'bad-color',
        message: `${shown} is not a colour`,
        hint: 'black, red, green, yellow, blue, magenta, cyan, white, gray, or "#rrggbb" in quotes',
      }
    case 'path':
      return { code: 'bad-path', message: value === '' ? 'a path is empty' : `${shown} is not a path` }
    case 'line':
      return {
        code: 'bad-text',
        message:
          value === ''
            ? `${quoted(key ?? '')} is empty`
            : `${quoted(key ?? '')} is one line of at most 200 characters`,
      }
    case 'method':
      return { code: 'bad-method', message: `${shown} is not an HTTP method` }
    case 'scopeName':
      return {
        code: 'bad-scope-name',
        message: `${shown} is not a region or service`,
        hint: 'as it stands in signatures: us-east-1, bedrock, s3',
      }
    case 'headerName':
      return { code: 'bad-header-name', message: `${shown} is not the name of a header` }
    case 'imageName':
      return {
        code: 'bad-image-name',
        message: `${shown} is not the reference of an image`,
        hint: 'for example ghcr.io/acme/agent:2',
      }
    case 'auth':
      return {
        code: 'bad-auth',
        message: `${shown} is not a way to authenticate`,
        hint: 'a map with `scheme` and `token_ref`, or `from-agent`',
      }
    case 'pathMatch':
    case 'allowedFinding':
      return key === 'until'
        ? { code: 'bad-date', message: `${shown} is not a day`, hint: 'YYYY-MM-DD' }
        : {
            code: 'bad-path-match',
            message: `${shown} does not begin with /`,
            hint: 'paths are matched from their first byte, which is /',
          }
    case 'hostKey':
      return {
        code: 'bad-host-key',
        message: 'this is not a public host key',
        hint: 'type and key as ssh-keyscan prints them, without the host: ssh-ed25519 AAAA…',
      }
    case 'provisionedKey':
      return {
        code: 'bad-url',
        message: `${shown} is not the URL of an API`,
        hint: 'for example https://gitea.acme.example/api/v1',
      }
    case 'push':
      return {
        code: 'bad-ref',
        message: `${shown} is not a ref or pattern of refs`,
        hint: 'for example refs/heads/agent/*',
      }
    case 'argument':
      return { code: 'bad-text', message: `an argument ${wrongArgument(value)}` }
    case 'mcpHeader':
      return {
        code: 'bad-text',
        message: `the value of ${quoted(key ?? '')} is at most 4096 characters, and no control character`,
      }
    case 'pluginVersion':
      return { code: 'bad-version', message: `${shown} is not a version`, hint: 'for example 1.0.0' }
    case 'pluginModule':
    case 'pluginPath':
      return {
        code: 'bad-path',
        message: `${shown} is not a path below the folder of the plug-in`,
        hint: definition === 'pluginModule' ? 'for example ./index.mjs' : 'for example ./Dockerfile',
      }
    case 'gitUser':
      return { code: 'bad-email', message: `${shown} is not an e-mail address` }
    default:
      return { code: 'bad-text', message: `${quoted(key ?? '')} cannot be ${shown}` }
  }
}

/** Not shown: where one belongs a secret may stand. */
function wrongArgument(value: string): string {
  if (value === '') return 'is empty'
  return value.includes('\0')
    ? 'has a NUL character, which no command line can hold'
    : 'has more than 4096 characters'
}

function nameHint(value: string): string {
  const rule = 'lower-case letters, digits and single hyphens, a letter first, at most 63 characters'
  const meant = value
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^[-0-9]+|-+$/g, '')
    .slice(0, 63)
    .replace(/-$/, '')
  return meant !== '' && meant !== value && value.length < 63 ? `${rule}; for example ${meant}` : rule
}
