// A real OpenID Connect provider, whose people sign in without a password: by the name that the test adds to the page.

import { createServer } from "node:http";
import Provider from "oidc-provider";
import { answer } from "./answer.js";

const server = createServer();
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const issuer = `http://127.0.0.1:${server.address().port}`;
let provider;

server.on("request", async (request, response) => {
  const url = new URL(request.url, issuer);
  if (!url.pathname.startsWith("/sign-in/")) return provider.callback()(request, response);
  const accountId = url.searchParams.get("as");
  if (!accountId) return response.end("Who are you?");
  const { params } = await provider.interactionDetails(request, response);
  const grant = new provider.Grant({ accountId, clientId: params.client_id });
  grant.addOIDCScope("openid email");
  const result = { login: { accountId }, consent: { grantId: await grant.save() } };
  return provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
});

await answer((name, { redirect, people }) => {
  if (name === "issuer") return issuer;
  provider = new Provider(issuer, {
    clients: [{ client_id: "passback", client_secret: "a secret", redirect_uris: [redirect] }],
    claims: { email: ["email", "email_verified"] },
    conformIdTokenClaims: false,
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_context, interaction) => `/sign-in/${interaction.uid}` },
    findAccount: (_context, sub) => ({ accountId: sub, claims: () => ({ sub, ...people[sub] }) }),
  });
  return issuer;
});
server.closeAllConnections();
server.close();
