"""A service account's key file as a key: what is signed with it, and what is no key file."""

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from rushes.engines.vendor.contract import Account, Trouble
from rushes.engines.vendor.service_account import bearer
from rushes.engines.vendor.vendors import google

NOW = 1_700_000_000.0
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def key_file(**other: Any) -> str:
    account = {"client_email": "films@my-project.iam", "private_key_id": "k1", "private_key": pem(RSA), **other}
    return base64.b64encode(json.dumps(account).encode()).decode()


def opened(part: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def test_a_token_is_signed_that_counts_from_now_for_an_hour_at_most() -> None:
    head, claims, signature = bearer(key_file(), NOW).split(".")
    RSA.public_key().verify(
        base64.urlsafe_b64decode(signature + "=="), f"{head}.{claims}".encode(), PKCS1v15(), SHA256()
    )
    assert opened(head) == {"alg": "RS256", "typ": "JWT", "kid": "k1"}
    told = opened(claims)
    assert told["iss"] == told["sub"] == "films@my-project.iam"
    assert told["iat"] <= NOW < told["exp"]
    assert told["exp"] - told["iat"] <= 3_600
    assert told["scope"].endswith("/auth/cloud-platform")


def test_a_request_hours_later_carries_another_token() -> None:
    options = {"project": "my-project"}
    first, later = (google.poll(Account(key_file(), google.URL, options, now), ticket()) for now in (NOW, NOW + 7_200))
    assert first.headers["authorization"] != later.headers["authorization"]
    assert key_file() not in str(first.headers)


def ticket() -> str:
    model = "projects/my-project/locations/us-central1/publishers/google/models/veo-3.1-generate-preview"
    return json.dumps({"name": f"{model}/operations/1", "seconds": 6})


@pytest.mark.parametrize("token", ["ya29.a0AfB_token", "rehearsal-key", base64.b64encode(b"[1]").decode()])
def test_anything_else_is_a_token_already(token: str) -> None:
    assert bearer(token, NOW) == token


@pytest.mark.parametrize(
    "wrong",
    [{"private_key": "nothing"}, {"private_key": None}, {"private_key": pem(ec.generate_private_key(ec.SECP256R1()))}],
)
def test_a_key_file_that_cannot_sign_is_told_without_showing_it(wrong: dict[str, Any]) -> None:
    with pytest.raises(Trouble) as caught:
        bearer(key_file(**wrong), NOW)
    assert caught.value.kind == "key"
    assert "PRIVATE" not in caught.value.text
