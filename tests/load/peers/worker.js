// How tokens are often kept: read, refresh if it is time, write. `?in=kv` keeps them in KV, `?in=object` in a Durable Object
// that lets each request refresh for itself.
import { DurableObject } from "cloudflare:workers";

async function refresh(env, token) {
  const body = new URLSearchParams({
    client_id: env.SMARTCAR_CLIENT_ID,
    client_secret: env.SMARTCAR_CLIENT_SECRET,
    grant_type: "refresh_token",
    refresh_token: token,
  });
  const answer = await fetch(`${env.SMARTCAR_AUTH_ORIGIN}/oauth/token`, {
    method: "POST",
    headers: { "user-agent": "bench" },
    body,
  });
  if (!answer.ok) throw new Error(`${answer.status}`);
  const { access_token, refresh_token, expires_in } = await answer.json();
  return { accessToken: access_token, refreshToken: refresh_token, expiresAt: Date.now() + expires_in * 1000 };
}

async function token(env, storage) {
  let grant = await storage.get();
  if (grant.expiresAt < Date.now()) {
    grant = await refresh(env, grant.refreshToken);
    await storage.put(grant);
  }
  return grant.accessToken;
}

async function answer(request, env, storage) {
  if (new URL(request.url).pathname === "/seed") {
    await storage.put({ refreshToken: await request.text(), expiresAt: 0 });
    return new Response();
  }
  try {
    return Response.json({ accessToken: await token(env, storage) });
  } catch (error) {
    return new Response(error.message, { status: 502 });
  }
}

export class Vault extends DurableObject {
  fetch(request) {
    const { storage } = this.ctx;
    return answer(request, this.env, { get: () => storage.get("grant"), put: (grant) => storage.put("grant", grant) });
  }
}

export default {
  fetch(request, env) {
    if (new URL(request.url).searchParams.get("in") === "object") {
      return env.VAULT.get(env.VAULT.idFromName("grant")).fetch(request);
    }
    const { TOKENS } = env;
    return answer(request, env, {
      get: () => TOKENS.get("grant", "json"),
      put: (grant) => TOKENS.put("grant", JSON.stringify(grant)),
    });
  },
};
