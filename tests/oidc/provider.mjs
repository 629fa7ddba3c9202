// A real OpenID provider on a free port of loopback, driven by lines on standard input:
//   rotate   sign with a new key from now on; the old ones stay in its set
//   retire   leave the newest key alone in the set
// Each line, and the start, is answered by one line of JSON: {"issuer", "kid"}.
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';

// Standard output is for the lines above; what the library has to say goes to standard error.
console.log = console.info = console.warn = console.error;
const { default: Provider } = await import('oidc-provider');

let made = 0;
function makeKey() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  made += 1;
  return { ...privateKey.export({ format: 'jwk' }), kid: `key-${made}`, use: 'sig', alg: 'RS256' };
}

function makeProvider(issuer, keys) {
  return new Provider(issuer, {
    jwks: { keys },
    clients: [
      {
        client_id: 'partner',
        client_secret: 'a-secret-of-this-test',
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
      },
      {
        client_id: 'app', // a program on a person's device
        token_endpoint_auth_method: 'none',
        application_type: 'native',
        grant_types: ['authorization_code', 'refresh_token'],
        redirect_uris: ['http://127.0.0.1/back'],
        response_types: ['code'],
      },
    ],
    scopes: ['openid', 'offline_access', 'partner:submit', 'wallet:read'],
    extraTokenClaims: (_context, token) => ({
      roles: token.kind === 'ClientCredentials' ? ['OPERATIONS', 'offline_access'] : ['CLIENT'],
    }),
    features: {
      devInteractions: { enabled: true }, // its own pages: any name and any password sign in
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_context, resource) => ({
          scope: 'partner:submit wallet:read',
          audience: resource === 'urn:comptoir' ? 'comptoir' : resource,
          accessTokenFormat: 'jwt',
          accessTokenTTL: 900,
          jwt: { sign: { alg: 'RS256' } },
        }),
      },
    },
  });
}

let serve;
const server = createServer((request, response) => serve(request, response));
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  let keys = [makeKey()];
  function renew() {
    serve = makeProvider(issuer, keys).callback();
    process.stdout.write(`${JSON.stringify({ issuer, kid: keys[0].kid })}\n`);
  }
  renew();
  const lines = createInterface({ input: process.stdin });
  lines.on('line', (line) => {
    keys = line === 'rotate' ? [makeKey(), ...keys] : [keys[0]];
    renew();
  });
  lines.on('close', () => process.exit(0)); // whoever started it has gone
});
