// A certified OpenID client signs somebody in at a server of ours, as a browser that has a cookie would
// be led. Arguments: the issuer, the Cookie header, the address to come back to. On standard output one
// line of JSON: what the client found after each step; it throws, and ends with 1, on anything that it
// holds against the RFCs.
import * as client from 'openid-client';

const [issuer, cookie, back] = process.argv.slice(2);
const config = await client.discovery(new URL(issuer), 'web', undefined, client.None(), {
  execute: [client.allowInsecureRequests], // plain HTTP, on loopback
});
const verifier = client.randomPKCECodeVerifier();
const state = client.randomState();
const nonce = client.randomNonce();
const asked = client.buildAuthorizationUrl(config, {
  redirect_uri: back,
  scope: 'openid offline_access',
  code_challenge: await client.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
  state,
  nonce,
  prompt: 'none', // a page is for people
});
const answer = await fetch(asked, { redirect: 'manual', headers: { cookie } });
const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce };
const location = new URL(answer.headers.get('location'));
const first = await client.authorizationCodeGrant(config, location, checks);
const second = await client.refreshTokenGrant(config, first.refresh_token);
const reused = await client.refreshTokenGrant(config, first.refresh_token).catch((error) => error.error);
const ended = await client.refreshTokenGrant(config, second.refresh_token).catch((error) => error.error);
await client.tokenRevocation(config, second.refresh_token, { token_type_hint: 'refresh_token' });
process.stdout.write(
  `${JSON.stringify({
    claims: first.claims(),
    nonce,
    scope: first.scope,
    accessTokens: [first.access_token, second.access_token],
    expiresIn: second.expires_in,
    reused,
    ended,
  })}\n`,
);
