import base64
import hashlib

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from rushes.conformance.webhooks import verifies

BODY = b'{"request_id": "r"}'


def jwk(key: Ed25519PrivateKey, *, padded: bool = False) -> dict[str, str]:
    text = base64.urlsafe_b64encode(key.public_key().public_bytes_raw()).decode()
    return {"x": text if padded else text.rstrip("=")}


def signed(key: Ed25519PrivateKey) -> dict[str, str]:
    message = f"r\nme\n1700000000\n{hashlib.sha256(BODY).hexdigest()}"
    headers = {
        "request-id": "r",
        "user-id": "me",
        "timestamp": "1700000000",
        "signature": key.sign(message.encode()).hex(),
    }
    return {f"x-fal-webhook-{name}": value for name, value in headers.items()}


def test_any_key_of_the_set_may_fit_padded_or_not() -> None:
    other, key = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    assert verifies([jwk(other), jwk(key)], signed(key), BODY)
    assert verifies([jwk(key, padded=True)], signed(key), BODY)
    assert not verifies([jwk(other)], signed(key), BODY)


def test_what_was_changed_after_signing_does_not_verify() -> None:
    key = Ed25519PrivateKey.generate()
    assert not verifies([jwk(key)], signed(key), BODY + b" ")
    for name in ("request-id", "user-id", "timestamp"):
        assert not verifies([jwk(key)], {**signed(key), f"x-fal-webhook-{name}": "other"}, BODY)
    assert not verifies([jwk(key)], {**signed(key), "x-fal-webhook-signature": "no hex"}, BODY)
    assert not verifies([jwk(key)], {}, BODY)
