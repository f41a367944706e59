#!/usr/bin/env python3
"""Verifies the certificate of an erasure, without Howdah and without a line of its code.

    npm run --silent gdpr:certificate > certificate.json
    npm run --silent gdpr:key > key.pem
    python3 deploy/verify_certificate.py certificate.json key.pem

certificate.json is what gdpr.erasure_certificate() answers. key.pem holds the instance's public keys, from a source you
trust: a key that came with the certificate proves nothing. Prints one JSON object; exit code 0: valid, 1: not, 2: cannot
be read. Needs Python 3.8 and its standard library: Ed25519 is worked out here as RFC 8032 says.
"""
import base64
import binascii
import json
import re
import sys
from hashlib import sha256, sha512

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
SQRT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)
# A public key as PKIX writes it: this, and 32 bytes (RFC 8410).
SPKI_PREFIX = bytes.fromhex("302a300506032b6570032100")


class Invalid(Exception):
    """Why a certificate is none."""


def add(a, b):
    """Two points of the curve, in extended coordinates (RFC 8032, 5.1.4)."""
    x1, y1, z1, t1 = a
    x2, y2, z2, t2 = b
    e = (y1 - x1) * (y2 - x2) % P
    f = (y1 + x1) * (y2 + x2) % P
    g = 2 * t1 * t2 * D % P
    h = 2 * z1 * z2 % P
    i, j, k, m = f - e, h - g, h + g, f + e
    return i * j % P, k * m % P, j * k % P, i * m % P


def times(scalar, point):
    result = (0, 1, 1, 0)
    while scalar > 0:
        if scalar & 1:
            result = add(result, point)
        point = add(point, point)
        scalar >>= 1
    return result


def is_same(a, b):
    return (a[0] * b[2] - b[0] * a[2]) % P == 0 and (a[1] * b[2] - b[1] * a[2]) % P == 0


def decompress(data):
    """A point from its 32 bytes (RFC 8032, 5.1.3)."""
    y = int.from_bytes(data, "little")
    sign = y >> 255
    y &= 2**255 - 1
    if y >= P:
        raise Invalid("a point of the signature or key is not canonical")
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P != 0:
        x = x * SQRT_OF_MINUS_ONE % P
    if (x * x - square) % P != 0 or (x == 0 and sign):
        raise Invalid("the signature or key is no point of the curve")
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


BASE = decompress((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def is_signed(key, message, signature):
    if len(signature) != 64:
        raise Invalid("the signature has not 64 bytes")
    point, commitment = decompress(key), decompress(signature[:32])
    scalar = int.from_bytes(signature[32:], "little")
    if scalar >= ORDER:
        raise Invalid("the signature is not canonical")
    if is_same(times(8, point), (0, 1, 1, 0)):
        raise Invalid("the key has a small order: it would sign anything")
    challenge = int.from_bytes(sha512(signature[:32] + key + message).digest(), "little") % ORDER
    return is_same(times(scalar, BASE), add(commitment, times(challenge, point)))


def unique(pairs):
    """An object whose keys are there once: of two, every reader takes another one."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Invalid("a key is there twice")
    return found


def no_fractions(text):
    raise Invalid("%s is no whole number" % text)


def canonical(value):
    """UTF-8, keys sorted, no white space, whole numbers, texts escaped as JSON must and no further."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def read_keys(text):
    """Raw public keys by their ids: the first 16 hex digits of their SHA-256."""
    keys = {}
    for body in re.findall(r"-----BEGIN PUBLIC KEY-----([A-Za-z0-9+/=\s]+)-----END PUBLIC KEY-----", text):
        data = base64.b64decode(body)
        if len(data) != 44 or not data.startswith(SPKI_PREFIX):
            raise ValueError("a key is no Ed25519 public key")
        keys[sha256(data[12:]).hexdigest()[:16]] = data[12:]
    if not keys:
        raise ValueError("there is no public key in it")
    return keys


def verify(text, keys):
    answer = json.loads(text, object_pairs_hook=unique, parse_float=no_fractions, parse_constant=no_fractions)
    if not isinstance(answer, dict) or set(answer) != {"certificate", "key", "signature"}:
        raise Invalid("it has not exactly certificate, key and signature")
    proof = answer["certificate"]
    if not isinstance(proof, dict) or proof.get("kind") != "howdah.erasure" or proof.get("version") != 1:
        raise Invalid("it is no certificate of an erasure, version 1")
    if answer["key"] not in keys:
        raise Invalid("no key that you trust has the id it names")
    try:
        signature = base64.b64decode(answer["signature"], validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise Invalid("the signature is no Base64")
    if not is_signed(keys[answer["key"]], canonical(proof), signature):
        raise Invalid("the signature does not fit: it was changed, or signed by somebody else")
    if proof.get("hits") != []:
        raise Invalid("something was found after this erasure")
    return proof


def main(arguments):
    if len(arguments) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        with open(arguments[1], encoding="utf-8") as file:
            keys = read_keys(file.read())
        with open(arguments[0], encoding="utf-8") as file:
            text = file.read()
    except (OSError, ValueError) as error:
        print(json.dumps({"is_valid": None, "problem": str(error)}))
        return 2
    try:
        proof = verify(text, keys)
    except Invalid as problem:
        print(json.dumps({"is_valid": False, "problem": str(problem)}))
        return 1
    except (ValueError, RecursionError) as error:
        print(json.dumps({"is_valid": False, "problem": "it cannot be read: %s" % error}))
        return 1
    told = ("erasure", "instance", "erased_at", "searched_at", "backups_end_at")
    print(json.dumps({
        "is_valid": True, **{name: proof.get(name) for name in told},
        "relations": len(proof["relations"]), "rows": sum(proof["relations"].values()), "kept": proof["kept"],
    }, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
