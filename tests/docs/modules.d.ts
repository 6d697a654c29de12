// Packages of others that blocks import, as far as they use them.
declare module "cloudflare:workers" {
  export class DurableObject<Env> {
    protected env: Env;
  }
}
declare module "standardwebhooks" {
  export class Webhook {
    constructor(secret: string | undefined);
    verify(body: string, headers: object): object;
  }
}
declare module "smartcar-connect/connect.wasm?url" {
  const address: string;
  export default address;
}
// Run with the package itself by `tests/package/consumers/playwright.test.mjs`.
declare module "@playwright/test";
// What belongs to a framework is compiled with it by the tests of the examples.
declare module "vue";
declare module "*.vue";
