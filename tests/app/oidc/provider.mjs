// An independent provider of accounts: the certified oidc-provider of npm, which asks
// nothing and lets in the account that the environment names.
const { LIBRARY, PORT, REDIRECT, ACCOUNT, CLIENT, SECRET, CONFORM } = process.env;
const { Provider } = await import(LIBRARY);
const issuer = `http://localhost:${PORT}`;
const provider = new Provider(issuer, {
  clients: [{
    client_id: CLIENT, client_secret: SECRET, redirect_uris: [REDIRECT],
    response_types: ["code"], grant_types: ["authorization_code"],
  }],
  claims: { openid: ["sub"], email: ["email", "email_verified"] },
  // Core 5.4: with an access token, claims of scopes come from UserInfo alone.
  conformIdTokenClaims: CONFORM === "yes",
  cookies: { keys: ["of a test"] },
  features: { devInteractions: { enabled: false } },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (_, sub) => ({
    accountId: sub,
    claims: () => ({ sub, email: ACCOUNT, email_verified: true }),
  }),
  pkce: { required: () => true },
});

// In place of a page that asks for a password and for consent.
provider.use(async (context, next) => {
  if (!context.path.startsWith("/interaction/")) return next();
  const details = await provider.interactionDetails(context.req, context.res);
  const { prompt, params, session } = details;
  let result;
  if (prompt.name === "login") {
    result = { login: { accountId: "subject-1" } };
  } else {
    const grant = new provider.Grant({
      accountId: session.accountId, clientId: params.client_id,
    });
    grant.addOIDCScope(params.scope);
    result = { consent: { grantId: await grant.save() } };
  }
  context.respond = false;
  return provider.interactionFinished(
    context.req, context.res, result, { mergeWithLastSubmission: true },
  );
});

provider.on("server_error", (_, error) => console.error(error));
provider.listen(Number(PORT), "127.0.0.1", () => console.log("listening"));
