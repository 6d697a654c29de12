// Looks for known secrets in text and bytes, in clear and in the encodings in which one leaks unseen.

/** The substring of base64 that `secret` causes at each of the three alignments, whatever surrounds it. */
function base64Cores(secret) {
  return [0, 1, 2].map((shift) => {
    const encoded = Buffer.concat([Buffer.alloc(shift), Buffer.from(secret)]).toString("base64").replace(/=+$/, "");
    const whole = Math.floor(((shift + Buffer.byteLength(secret)) * 8) / 6);
    return encoded.slice(Math.ceil((shift * 8) / 6), whole);
  });
}

/** Every form of a secret that is looked for. */
export function formsOf(secret) {
  const bytes = Buffer.from(secret);
  const hex = bytes.toString("hex");
  const cores = base64Cores(secret);
  const percent = hex.replace(/../g, "%$&");
  return [
    ...new Set([
      secret,
      encodeURIComponent(secret),
      percent,
      percent.toUpperCase(),
      hex,
      hex.toUpperCase(),
      ...cores,
      ...cores.map((core) => core.replaceAll("+", "-").replaceAll("/", "_")),
    ]),
  ];
}

/**
 * Finds secrets.
 * @param {string[]} secrets
 * @returns {(source: string, content: string | Buffer) => {source: string, form: string, secret: string}[]}
 */
export function scannerFor(secrets) {
  // A shorter one would be found by chance.
  const long = secrets.filter((secret) => secret.length >= 8);
  const wanted = long.flatMap((secret) => formsOf(secret).map((form) => ({ secret, form })));
  const needles = wanted.flatMap(({ secret, form }) => [
    { secret, form, bytes: Buffer.from(form) },
    { secret, form: `${form} (UTF-16)`, bytes: Buffer.from(form, "utf16le") },
  ]);
  return (source, content) => {
    const bytes = Buffer.isBuffer(content) ? content : Buffer.from(content);
    return needles.filter((needle) => bytes.includes(needle.bytes)).map(({ secret, form }) => ({ source, secret, form }));
  };
}
