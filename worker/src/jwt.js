// Signatures of JSON Web Tokens, by the platform's own cryptography.

/** By the algorithm's name in a token: what `importKey` and `verify` take. */
const ALGORITHMS = {
  RS256: [{ name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" }, "RSASSA-PKCS1-v1_5"],
  ES256: [{ name: "ECDSA", namedCurve: "P-256" }, { name: "ECDSA", hash: "SHA-256" }],
  EdDSA: ["Ed25519", "Ed25519"],
};

/**
 * Whether `signature` is that of `signed` by the key `jwk`, a JSON Web Key as text.
 * @returns {Promise<boolean>} rejects if the key is none, such as a point that is not on its curve
 */
export async function verify(algorithm, jwk, signature, signed) {
  const [imported, verified] = ALGORITHMS[algorithm];
  const key = await crypto.subtle.importKey("jwk", JSON.parse(jwk), imported, false, ["verify"]);
  return crypto.subtle.verify(verified, key, signature, signed);
}
