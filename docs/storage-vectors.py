"""Computes the test vectors of storage.md by its text, without this project's code, and compares them with what it says.

Needs `pip install cryptography`. Where a value differs, it prints the whole block as it should be.
"""
import hashlib, hmac, pathlib, sys
from base64 import b64decode, urlsafe_b64encode
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

def base64url(data): return urlsafe_b64encode(data).rstrip(b"=").decode()
def number(value): return int(value).to_bytes(8, "big")

def fields(*values):
    values = [value.encode() if isinstance(value, str) else value for value in values]
    return b"".join(len(value).to_bytes(4, "big") + value for value in values)

def derive(key_id, purpose, context=""):  # HKDF-SHA256 whose output is one block
    pseudorandom = hmac.digest(b"smartcar-connect/v1", keys[key_id], "sha256")
    return hmac.digest(pseudorandom, fields(purpose, context) + b"\x01", "sha256")

def seal(of):
    key_id, key, nonce = of["key_id"], derive(of["key_id"], of["type"], of["owner"]), bytes.fromhex(of["nonce"])
    data = fields("smartcar-connect", b"\x01", key_id, of["type"], of["owner"], of["item"], number(of["generation"]))
    header = bytes([1, len(key_id)]) + key_id.encode() + number(of["generation"]) + nonce
    record = header + AESGCM(key).encrypt(nonce, of["plaintext"].encode(), data)
    return {"derived_key": key.hex(), "associated_data": data.hex(), "record": base64url(record)}

def name(key_id, purpose, owner, item=""):
    return "v1/" + base64url(hmac.digest(derive(key_id, "kv-name/" + purpose), fields(owner, item), "sha256"))

def names(of):
    for suffix, key_id in zip(["", "_under_retired"], keys):
        prefix = name(key_id, "user-id", of["user_id"]) + "/"
        yield "grant" + suffix, name(key_id, "grant", of["principal"], of["connection"])
        yield "index" + suffix, name(key_id, "index", of["principal"])
        yield "external_id_lookup" + suffix, name(key_id, "external-id", of["external_id"])
        yield "user_lookup" + suffix, prefix + of["vault"]
        yield "user_lookup_prefix" + suffix, prefix
        prefix = name(key_id, "must-act", "") + "/"
        yield "must_act" + suffix, prefix + of["vault"]
        yield "must_act_prefix" + suffix, prefix

def principal(of):
    principal = "anonymous:" + base64url(hashlib.sha256(b"smartcar-connect/principal/v1\0" + bytes.fromhex(of["session_id"])).digest())
    vault = base64url(hashlib.sha256(b"smartcar-connect/vault/v1\0" + principal.encode()).digest())
    return {"principal": principal, "vault_name": vault}

def cookie(of):
    payload = bytes.fromhex(of["session_id"]) + number(of["started_at"]) + number(of["renewed_at"]) + of.get("user", "").encode()
    return {"cookie": authentic("v1", "session", payload)}

def authentic(version, purpose, payload, *context):
    key_id = next(iter(keys))
    mac = hmac.digest(derive(key_id, purpose), fields(key_id, *context, payload), "sha256")
    return ".".join([version, key_id, base64url(payload), base64url(mac)])

def session_hash(of):
    return {"id": base64url(hashlib.sha256(b"smartcar-connect/session/v1\0" + bytes.fromhex(of["session_id"])).digest())}

def ticket(of):
    deployment = fields("smartcar-connect/session-cookie/v1", of["path_prefix"], of["client_id"])
    cookie_name = "__Host-smartcar-connect-" + base64url(hashlib.sha256(deployment).digest())[:8]
    payload = bytes.fromhex(of["ticket_id"]) + number(of["expires_at"]) + of["user"].encode()
    return {"cookie_name": cookie_name, "ticket": authentic("t1", "ticket", payload, cookie_name)}

block = pathlib.Path(__file__).with_name("storage.md").read_text().split("```text\n")[1].split("```")[0]
sections = [part.splitlines() for part in block.strip().split("\n\n")]
sections = {head.strip("[]"): dict(line.split(" =", 1) for line in lines) for head, *lines in sections}
sections = {head: {key: value[1:] for key, value in of.items()} for head, of in sections.items()}
keys = {key_id: b64decode(key) for key_id, key in (key.split(":") for key in sections["keys"]["sealing_keys"].split(","))}
for head, of in sections.items():
    if "plaintext" in of: of.update(seal(of))
    elif "first" in of: of["value"] = (sections[of["first"]]["record"] if of["first"] else "") + "." + sections[of["second"]]["record"]
sections["principal"].update(principal(sections["principal"]))
sections["names"].update(names(sections["names"]))
sections["session"].update(cookie(sections["session"]))
sections["session of a user"].update(cookie(sections["session of a user"]) | session_hash(sections["session of a user"]))
sections["ticket"].update(ticket(sections["ticket"]))
computed = "\n\n".join("\n".join([f"[{head}]"] + [f"{key} = {value}".rstrip() for key, value in of.items()]) for head, of in sections.items()) + "\n"
sys.exit(None if computed == block else computed)
