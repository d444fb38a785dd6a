import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from koine.engine.verification.jwt_keys import KEY_TYPES, BadKey, check_key, keys_of

RSA = RSAKey.generate_key(2048)
EC = ECKey.generate_key("P-256")
ED = OKPKey.generate_key("Ed25519")
X = OKPKey.generate_key("X25519")
SECRET = "a-shared-secret-of-more-than-32-bytes"
PEM = RSA.as_pem().decode()


def jwk(key: RSAKey | ECKey | OKPKey, **more: object) -> str:
    return json.dumps({**key.as_dict(), **more})


@pytest.mark.parametrize(
    ("text", "algorithm"),
    [
        (PEM, "RS256"),
        (f"\n{PEM}\n", "PS256"),
        (jwk(RSA, use="sig", alg="RS256", kid="a"), "RS256"),
        (EC.as_pem().decode(), "ES256"),
        (jwk(ED), "EdDSA"),
        (SECRET, "HS256"),
        (json.dumps(OctKey.import_key(SECRET).as_dict()), "HS256"),
        (json.dumps({"keys": [{"kty": "AKP"}, 1, X.as_dict(), RSA.as_dict()]}), "RS256"),
    ],
)
def test_a_key_that_fits(text: str, algorithm: str) -> None:
    check_key(text, algorithm)
    assert len(keys_of(text, algorithm)) == 1


@pytest.mark.parametrize(
    ("text", "algorithm", "reason"),
    [
        (PEM, "none", "one of"),
        (PEM, "HS256", "shared secret"),
        (jwk(RSA), "HS256", "oct"),
        (RSA.as_der().decode("latin-1"), "RS256", "PEM"),
        ("ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQ", "HS256", "public key"),
        ("", "HS256", "32"),
        ("x" * 31, "HS256", "32"),
        ("x" * 40, "RS256", "PEM"),
        ('{"kty":"oct","k":"AQAB"}', "HS256", "weak"),
        ('{"kty":"oct","k":"YWFhYWFhYWFhYWFhYWFhYWE"}', "HS256", "32"),
        (PEM, "ES256", "EC"),
        (EC.as_pem().decode(), "RS256", "RSA"),
        (EC.as_pem().decode(), "ES384", "fit"),
        (jwk(X), "EdDSA", "Ed25519"),
        (RSA.as_pem(private=True).decode(), "RS256", "private"),
        (json.dumps(ED.as_dict(private=True)), "EdDSA", "private"),
        (jwk(RSA, use="enc"), "RS256", "fit"),
        (jwk(RSA, alg="RS512"), "RS256", "fit"),
        (jwk(RSA, key_ops=["sign"]), "RS256", "fit"),
        (jwk(RSA, n=1), "RS256", "readable"),
        (jwk(RSA, n=""), "RS256", "readable"),
        (jwk(EC, crv="P-999"), "ES256", "readable"),
        (jwk(EC, x="AAAA"), "ES256", "readable"),
        ("{", "RS256", "JSON"),
        ("{}", "RS256", "RSA"),
        ('{"keys": {}}', "RS256", "list"),
        ('{"keys": []}', "RS256", "fits"),
        (json.dumps({"keys": [RSA.as_dict()] * 21}), "RS256", "20"),
        ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "RS256", "readable"),
        ("x" * 70_000, "HS256", "longer"),
    ],
)
def test_a_key_that_does_not_fit(text: str, algorithm: str, reason: str) -> None:
    with pytest.raises(BadKey) as refused:
        check_key(text, algorithm)
    assert reason in refused.value.reason


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3),
)
members = st.dictionaries(
    st.sampled_from(["n", "e", "d", "x", "y", "k", "crv", "use", "alg", "kid", "key_ops", "x5c"]),
    json_values | st.sampled_from(["AQAB", "P-256", "Ed25519", "sig"]),
)


@given(members, st.sampled_from(sorted(KEY_TYPES)))
def test_any_jwk_is_a_key_or_a_bad_key(value: dict[str, object], algorithm: str) -> None:
    try:
        check_key(json.dumps({"kty": KEY_TYPES[algorithm], **value}), algorithm)
    except BadKey:
        return
    assert value.get("k") is not None or "crv" in value or "n" in value


@given(st.text(), st.sampled_from(sorted(KEY_TYPES)))
def test_any_text_is_a_key_or_a_bad_key(text: str, algorithm: str) -> None:
    try:
        check_key(text, algorithm)
    except BadKey:
        return
    assert algorithm == "HS256"
