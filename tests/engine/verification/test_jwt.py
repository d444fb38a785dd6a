import base64
import hashlib
import hmac
import json
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from koine.engine.verification.jwt import TokenError, TokenSigner, unverified, verify_external
from koine.engine.verification.jwt_keys import BadKey
from koine.kit.clock import FakeClock

NOW = FakeClock().now()
NOW_S = NOW // 1_000_000
SECRET = "a-shared-secret-of-more-than-32-bytes"
RSA = RSAKey.generate_key(2048)
EC = ECKey.generate_key("P-256")
EC384 = ECKey.generate_key("P-384")
ED = OKPKey.generate_key("Ed25519")
OCT = OctKey.import_key(SECRET)
PEM = RSA.as_pem().decode()
GOOD = {"sub": "u1", "exp": NOW_S + 60, "iat": NOW_S, "iss": "acme", "aud": "koine"}


def b64(data: bytes | str | object) -> str:
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def token(
    claims: object = GOOD,
    header: object = None,
    key: Key = RSA,
    alg: str = "RS256",
    **extra: object,
) -> str:
    head = header if header is not None else {"alg": alg, "typ": "JWT", **extra}
    text = f"{b64(head)}.{b64(claims)}"
    return f"{text}.{b64(JWSRegistry.algorithms[alg].sign(text.encode(), key))}"


def read(text: str, key: str = PEM, alg: str = "RS256") -> dict[str, object]:
    return verify_external(text, key, alg, "koine", "acme", NOW)


def confused(name: str, secret: bytes) -> str:
    text = f"{b64({'alg': name, 'typ': 'JWT'})}.{b64(GOOD)}"
    return f"{text}.{b64(hmac.new(secret, text.encode(), hashlib.sha256).digest())}"


def unsigned(name: object) -> str:
    return f"{b64({'alg': name})}.{b64(GOOD)}."


def but(**claims: object) -> str:
    return token({**GOOD, **claims})


def without(name: str) -> str:
    return token({key: value for key, value in GOOD.items() if key != name})


HEAD, BODY, SIGNATURE = token().split(".")

BAD = {
    "empty": "",
    "garbage": "garbage",
    "dots": "..",
    "two parts": f"{HEAD}.{BODY}",
    "four parts": f"{token()}.x",
    "not ascii": token() + "é",
    "surrogate": token() + "\ud800",
    "NUL": token() + "\0",
    "newline": token() + "\n",
    "padded": f"{HEAD}.{BODY}.{SIGNATURE}==",
    "plus and slash": f"{HEAD}.{BODY}.+/{SIGNATURE[2:]}",
    "malleable end": f"{HEAD}.{BODY}.{SIGNATURE[:-1]}{'B' if SIGNATURE[-1] != 'B' else 'C'}",
    "10 KiB": token({**GOOD, "x": "y" * 10_240}),
    "1 MiB": "a" * 2**20,
    "none": unsigned("none"),
    "None": unsigned("None"),
    "nOnE": unsigned("nOnE"),
    "none with a signature": unsigned("none") + SIGNATURE,
    "alg null": unsigned(None) + SIGNATURE,
    "alg list": unsigned(["RS256"]) + SIGNATURE,
    "no alg": f"{b64({'typ': 'JWT'})}.{BODY}.{SIGNATURE}",
    "empty signature": f"{HEAD}.{BODY}.",
    "short signature": f"{HEAD}.{BODY}.AAAA",
    "HS256 with the public key": confused("HS256", PEM.encode()),
    "HS256 with the stripped key": confused("HS256", PEM.strip().encode()),
    "RS256 said, HMAC done": confused("RS256", PEM.encode()),
    "HS256 with an empty key": confused("HS256", b""),
    "another key": token(key=RSAKey.generate_key(2048)),
    "another algorithm of the key": token(alg="RS512"),
    "PS256": token(alg="PS256"),
    "tampered payload": f"{HEAD}.{b64({**GOOD, 'sub': 'admin'})}.{SIGNATURE}",
    "tampered header": f"{b64({'alg': 'RS256', 'kid': 'x'})}.{BODY}.{SIGNATURE}",
    "kid traversal": token(kid="../../dev/null"),
    "kid SQL": token(kid="x' OR 1=1 --"),
    "kid URL": token(kid="https://evil.example/k"),
    "kid number": token(kid=1),
    "kid list": token(kid=["a"]),
    "kid long": token(kid="k" * 65),
    "kid empty": token(kid=""),
    "jku": token(jku="https://evil.example/jwks"),
    "x5u": token(x5u="https://evil.example/x"),
    "jwk": token(jwk=RSA.as_dict()),
    "crit": token(crit=["exp"]),
    "crit empty": token(crit=[]),
    "b64 false": token(b64=False),
    "b64 true": token(b64=True),
    "typ of another use": token(typ="logout+jwt"),
    "typ number": token(typ=1),
    "header a list": token(header=["RS256"]),
    "header a text": token(header="RS256"),
    "header not JSON": token(header=b"{"),
    "header doubled key": token(header=b'{"alg":"none","alg":"RS256"}'),
    "header deep": token(header=b'{"alg":"RS256","x":' + b"[" * 2000 + b"]" * 2000 + b"}"),
    "payload a list": token([GOOD]),
    "payload not JSON": token(b"sub=u1"),
    "payload not UTF-8": token(b'{"sub":"\xff"}'),
    "payload doubled claim": token(json.dumps(GOOD).encode()[:-1] + b',"sub":"admin"}'),
    "payload NaN": token(json.dumps({**GOOD, "exp": float("nan")}).encode()),
    "payload infinite exp": token(json.dumps(GOOD).encode()[:-1] + b',"exp":1e999}'),
    "no exp": without("exp"),
    "exp null": but(exp=None),
    "exp text": but(exp=str(NOW_S + 60)),
    "exp true": but(exp=True),
    "exp list": but(exp=[NOW_S + 60]),
    "exp huge": but(exp=1e300),
    "exp of the year 12000": but(exp=316_516_204_800),
    "exp negative": but(exp=-1),
    "exp a number of 5000 digits": token(b'{"sub":"u1","exp":' + b"9" * 5000 + b"}"),
    "expired": but(exp=NOW_S - 60),
    "nbf ahead": but(nbf=NOW_S + 61),
    "nbf text": but(nbf="0"),
    "nbf null": but(nbf=None),
    "iat ahead": but(iat=NOW_S + 61),
    "iat text": but(iat="now"),
    "no sub": without("sub"),
    "sub empty": but(sub=""),
    "sub number": but(sub=1),
    "sub long": but(sub="s" * 256),
    "no aud": without("aud"),
    "wrong aud": but(aud="other"),
    "wrong aud list": but(aud=["other", ["koine"], {"koine": 1}]),
    "aud object": but(aud={"koine": 1}),
    "aud part": but(aud="koine.example"),
    "no iss": without("iss"),
    "wrong iss": but(iss="acme2"),
    "iss list": but(iss=["acme"]),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_token_is_refused(name: str) -> None:
    with pytest.raises(TokenError) as refused:
        read(BAD[name])
    assert refused.value.reason == ("expired" if name == "expired" else "invalid")


@pytest.mark.parametrize("name", BAD)
def test_a_bad_token_is_no_token_of_ours(name: str) -> None:
    with pytest.raises(TokenError):
        signer(FakeClock()).verify(BAD[name])


@given(st.text() | st.text("eyJhbGciOi.-_="))
def test_any_text_is_refused_as_a_token(text: str) -> None:
    with pytest.raises(TokenError):
        read(text)


def test_the_unchanged_token_is_accepted() -> None:
    assert read(token())["sub"] == "u1"


@pytest.mark.parametrize(
    "text",
    [
        but(exp=NOW_S - 59),
        but(exp=NOW_S + 0.5),
        but(nbf=NOW_S + 60),
        but(iat=NOW_S + 60),
        but(aud=["other", "koine"]),
        token(typ="at+jwt"),
        token(typ="JWT", x5t="abc", cat="unknown"),
        token(header={"alg": "RS256"}),
        token(kid="any-name_1"),
    ],
)
def test_valid_variants_are_accepted(text: str) -> None:
    assert read(text)["sub"] == "u1"


@pytest.mark.parametrize(
    ("alg", "key"),
    [
        ("RS256", RSA),
        ("RS384", RSA),
        ("RS512", RSA),
        ("PS256", RSA),
        ("ES256", EC),
        ("ES384", EC384),
        ("EdDSA", ED),
        ("HS256", OCT),
    ],
)
@pytest.mark.parametrize("form", ["jwk", "jwks", "text"])
def test_every_algorithm_and_form_of_key(alg: str, key: Key, form: str) -> None:
    jwk = key.as_dict()
    pem = SECRET if isinstance(key, OctKey) else key.as_pem().decode()
    texts = {"jwk": json.dumps(jwk), "jwks": json.dumps({"keys": [jwk]}), "text": pem}
    assert read(token(key=key, alg=alg), texts[form], alg)["sub"] == "u1"


def test_kid_picks_from_a_set() -> None:
    other = RSAKey.generate_key(2048)
    named = [{**RSA.as_dict(), "kid": "a"}, {**other.as_dict(), "kid": "b"}, ED.as_dict()]
    keys = json.dumps({"keys": named})
    assert read(token(kid="a"), keys)["sub"] == "u1"
    for wrong in (token(kid="b"), token(kid="c"), token()):
        with pytest.raises(TokenError):
            read(wrong, keys)


@pytest.mark.parametrize("kid", ["abc+d/ef=", "2026.11:a", "k" * 90])
def test_a_known_kid_may_be_spelled_as_its_issuer_likes(kid: str) -> None:
    keys = json.dumps({"keys": [{**RSA.as_dict(), "kid": kid}]})
    assert read(token(kid=kid), keys)["sub"] == "u1"


@pytest.mark.parametrize("text", ["", "a.b", "a.e30.c.d", "a.W10.c", "a.!.c", "a.e30.c" * 2000])
def test_a_text_that_is_no_token_has_no_claims(text: str) -> None:
    with pytest.raises(TokenError):
        unverified(text)


def test_audience_and_issuer_may_be_left_open() -> None:
    text = token({"sub": "u1", "exp": NOW_S + 60})
    assert verify_external(text, PEM, "RS256", None, None, NOW)["sub"] == "u1"


@pytest.mark.parametrize("alg", ["none", "HS512", "", "RS256 "])
def test_an_unlisted_algorithm_verifies_nothing(alg: str) -> None:
    with pytest.raises(TokenError):
        read(token(), PEM, alg)


@pytest.mark.parametrize("key", ["", PEM, "short", "{", json.dumps(RSA.as_dict())])
def test_hs256_with_a_key_that_is_no_secret(key: str) -> None:
    with pytest.raises(TokenError):
        read(confused("HS256", key.encode()), key, "HS256")


def signer(clock: FakeClock, secret: str = SECRET, audience: str = "koine") -> TokenSigner:
    return TokenSigner(secret, "acme", audience, clock)


def test_a_signed_token_is_read_back() -> None:
    ours = signer(FakeClock())
    claims = ours.verify(ours.sign({"sub": "u1", "role": "driver", "jti": "j"}, 900))
    assert claims == {**GOOD, "role": "driver", "jti": "j", "exp": NOW_S + 900}


def test_the_signer_sets_the_registered_claims() -> None:
    ours = signer(FakeClock())
    claims = ours.verify(ours.sign({"sub": "u1", "iss": "x", "aud": "y", "exp": 0}, 900))
    assert claims["jti"]
    assert (claims["iss"], claims["aud"]) == ("acme", "koine")


def test_our_own_token_expires() -> None:
    clock = FakeClock()
    text = signer(clock).sign({"sub": "u1"}, 900)
    clock.advance(seconds=959)
    assert signer(clock).verify(text)
    clock.advance(seconds=1)
    with pytest.raises(TokenError, match="expired"):
        signer(clock).verify(text)


@pytest.mark.parametrize(
    "make",
    [
        lambda: signer(FakeClock(), secret="b" * 40).sign({"sub": "u1"}, 900),
        lambda: signer(FakeClock(), audience="files").sign({"sub": "u1"}, 900),
        lambda: token(key=OCT, alg="HS256", typ="at+jwt"),
        lambda: token(key=OCT, header={"alg": "HS256"}, alg="HS256"),
        lambda: token(key=OCT, alg="HS256", kid="../x"),
    ],
)
def test_a_token_for_another_audience_is_refused(make: Callable[[], str]) -> None:
    with pytest.raises(TokenError, match="invalid"):
        signer(FakeClock()).verify(make())


def test_a_short_secret_signs_nothing() -> None:
    with pytest.raises(BadKey):
        signer(FakeClock(), secret="x" * 31)


def test_a_weak_rsa_key_verifies_nothing() -> None:
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    key = RSAKey(weak, weak)
    with pytest.raises(TokenError):
        read(token(key=key), key.as_pem().decode())


def test_the_newest_secret_signs_and_older_ones_are_accepted() -> None:
    clock, new = FakeClock(), "n" * 40
    both = TokenSigner(new, "acme", "koine", clock, [SECRET])
    assert both.verify(signer(clock).sign({"sub": "u1"}, 900))["sub"] == "u1"
    made = both.sign({"sub": "u2"}, 900)
    assert signer(clock, secret=new).verify(made)["sub"] == "u2"
    with pytest.raises(TokenError, match="invalid"):
        signer(clock).verify(made)
    with pytest.raises(TokenError, match="invalid"):
        both.verify(signer(clock, secret="b" * 40).sign({"sub": "u1"}, 900))
    clock.advance(seconds=1000)
    with pytest.raises(TokenError, match="expired"):
        both.verify(made)


def test_a_short_older_secret_is_refused() -> None:
    with pytest.raises(BadKey):
        TokenSigner(SECRET, "acme", "koine", FakeClock(), ["short"])
