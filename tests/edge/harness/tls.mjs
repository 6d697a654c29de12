// Hosts with names of their own on this machine, over TLS: what cookies and sites are about.
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import https from "node:https";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";

/** Chromium finds every host below `example.test` here, and takes a certificate that nobody vouches for. */
export const CHROMIUM_ARGUMENTS = ["--host-resolver-rules=MAP *.example.test 127.0.0.1", "--ignore-certificate-errors"];

/** A key and a certificate for `*.example.test`. */
export async function selfSigned() {
  const folder = await mkdtemp(path.join(os.tmpdir(), "smartcar-connect-tls-"));
  const [key, cert] = ["key.pem", "cert.pem"].map((name) => path.join(folder, name));
  const subject = ["-subj", "/CN=*.example.test", "-addext", "subjectAltName=DNS:*.example.test"];
  const made = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc", "-days", "2"];
  await promisify(execFile)("openssl", [...made, ...subject, "-keyout", key, "-out", cert]);
  const [keyText, certText] = await Promise.all([key, cert].map((file) => readFile(file, "utf8")));
  await rm(folder, { recursive: true });
  return { key: keyText, cert: certText };
}

/**
 * Serves pages over TLS.
 * @param {{key: string, cert: string}} tls
 * @param {import("node:http").RequestListener} listener
 */
export async function serveTls(tls, listener) {
  const server = https.createServer(tls, listener);
  await new Promise((resolve, reject) => server.once("error", reject).listen(0, "127.0.0.1", resolve));
  return {
    port: server.address().port,
    stop: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}
