// The Worker as it comes: it keeps the tokens, and is the only one that ever sees one.
export { default, ApplicationToken, Vault, WebhookInbox } from "smartcar-connect/worker";
