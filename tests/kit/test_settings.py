from ipaddress import ip_network

import pytest

from koine.kit.settings import BadSetting, Settings, describe, load, unknown

LONG = "s" * 32


def test_no_variable_gives_the_defaults() -> None:
    assert load({}) == Settings()


def test_every_default_passes_its_own_check() -> None:
    assert load({doc.env: doc.default for doc in describe()}) == Settings()


def test_variables_are_read_by_their_type() -> None:
    env = {"KOINE_PORT": " 9000 ", "KOINE_DEMO": "Yes", "KOINE_LOG_LEVEL": "debug"}
    settings = load(env)
    assert (settings.port, settings.demo, settings.log_level) == (9000, True, "debug")


def test_an_override_goes_before_its_variable() -> None:
    settings = load({"KOINE_PORT": "1", "KOINE_HOST": "h"}, {"port": 2, "host": None})
    assert (settings.port, settings.host) == (2, "h")


def test_an_empty_variable_is_not_given() -> None:
    assert load({"KOINE_PORT": "", "KOINE_DATA_DIR": " "}) == Settings()


@pytest.mark.parametrize(
    ("name", "value", "accepted"),
    [
        ("PORT", "x", "a whole number from 0 to 65535"),
        ("PORT", "65536", "a whole number from 0 to 65535"),
        ("PORT", "1.5", "a whole number"),
        ("WORKERS", "0", "a whole number from 1"),
        ("DEMO", "maybe", "true or false"),
        ("DEMO", "2", "true or false"),
        ("LOG_LEVEL", "loud", "one of debug, error, info, warning"),
        ("JSON_LIMIT", "1MiB", "a whole number"),
        ("BASE_URL", "koine.example", "http://"),
        ("BASE_URL", "https://koine.example/?a=1", "http://"),
        ("DATABASE_URL", "mysql://x", "postgresql://"),
        ("SECRET_KEY", "short", "32 bytes"),
        ("TRUSTED_PROXIES", "10.0.0.0/8, me", "CIDRs"),
        ("BACKUP_SCHEDULE", "nightly", "daily@HH:MM"),
        ("BACKUP_KEEP", "7d,3d", "each unit once"),
        ("BACKUP_TO", "s3://Bucket", "s3://bucket"),
        ("BACKUP_TO", "s3://bucket/a?key=b", "without a query"),
        ("S3_ENDPOINT", "s3.example", "https://host:port"),
        ("S3_ENDPOINT", "https://user:secret@s3.example", "without a user"),
        ("S3_ENDPOINT", "https://s3.example/bucket", "without a user or path"),
    ],
)
def test_a_wrong_value_names_its_variable(name: str, value: str, accepted: str) -> None:
    with pytest.raises(BadSetting) as refused:
        load({f"KOINE_{name}": value})
    assert refused.value.name == f"KOINE_{name}"
    assert accepted in refused.value.reason
    assert value not in str(refused.value) or name != "SECRET_KEY"


def test_a_schedule_without_a_place_is_refused() -> None:
    with pytest.raises(BadSetting, match="KOINE_BACKUP_TO"):
        load({"KOINE_BACKUP_SCHEDULE": "1d"})


@pytest.mark.parametrize("overrides", [{"port": "x"}, {"port": True}, {"host": 1}, {"prt": 1}])
def test_a_wrong_override_is_refused_too(overrides: dict[str, object]) -> None:
    with pytest.raises(BadSetting, match="KOINE_"):
        load({}, overrides)


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("DATABASE_URL", "postgresql://koine:p4ss#word@db/koine"),
        ("DATABASE_URL", "postgresql://koine:p@ssword@db/koine"),
        ("DATABASE_URL", "postgresql://koine:p4/ssword@db/koine"),
        ("DATABASE_URL", "postgresql://koine:12?ssword@db/koine"),
        ("DATABASE_URL", "postgresql://koine:12?a=ssword@db/koine"),
        ("DATABASE_URL", "postgresql://koine:ssword"),
        ("DATABASE_URL", "postgresql://koine:[ssword]@db/koine"),
        ("NATS_URL", "nats://koine:p4ss#word@n1:4222"),
        ("NATS_URL", "nats://koine:p@ssword@n1:4222"),
        ("NATS_URL", "nats://koine:ssword"),
        ("NATS_URL", "nats://n1:4222,nats://koine:p4ss,word@n2:4222"),
        ("OTEL_ENDPOINT", "https://koine:p@ssword@collector:4318"),
        ("OTEL_ENDPOINT", "https://koine:ssword"),
        ("OTEL_ENDPOINT", "https://koine:12/ssword@collector:4318"),
    ],
)
def test_an_ambiguous_url_is_refused_without_a_part_of_its_password(name: str, url: str) -> None:
    with pytest.raises(BadSetting) as refused:
        load({f"KOINE_{name}": url})
    assert "word" not in str(refused.value).replace("password", "")
    assert name == "NATS_URL" or "%40" in refused.value.reason


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("DATABASE_URL", "postgres://koine:p%40ss%23w:rd!*@db-1.example.com:5433/koine"),
        ("DATABASE_URL", "postgresql://koine@db1,db2:5433/koine?target_session_attrs=read-write"),
        ("DATABASE_URL", "postgresql://koine:x@[::1]:5432/koine?sslmode=require&a=b=c"),
        ("DATABASE_URL", "postgresql:///koine?host=/var/run/postgresql"),
        ("DATABASE_URL", "postgresql://%2Fvar%2Frun%2Fpostgresql/koine"),
        ("NATS_URL", "nats://a:b%40@n1:4222, tls://token@n2"),
        ("OTEL_ENDPOINT", "http://a:b%2F@collector:4318/prefix"),
    ],
)
def test_a_url_with_escapes_and_several_hosts_is_accepted(name: str, url: str) -> None:
    assert getattr(load({f"KOINE_{name}": url}), name.lower()) == url


def test_unknown_variables_are_reported() -> None:
    assert unknown(["KOINE_PROT", "KOINE_PORT", "PATH", "KOINE_", "KOINE_URL"]) == [
        "KOINE_",
        "KOINE_PROT",
    ]


def test_every_setting_is_described() -> None:
    docs = describe()
    assert [doc.name for doc in docs] == list(Settings.__struct_fields__)
    assert all(doc.doc.endswith(".") and doc.accepts for doc in docs)
    assert all(doc.env == f"KOINE_{doc.name.upper()}" for doc in docs)


@pytest.mark.parametrize(
    ("settings", "url"),
    [
        ({}, "http://127.0.0.1:8420"),
        ({"host": "0.0.0.0", "port": 80}, "http://localhost:80"),
        ({"host": "::1"}, "http://[::1]:8420"),
        ({"base_url": "https://koine.example/chat/"}, "https://koine.example/chat"),
    ],
)
def test_the_public_url(settings: dict[str, object], url: str) -> None:
    assert load({}, settings).public_url() == url


def test_proxies_are_addresses_or_networks() -> None:
    settings = load({"KOINE_TRUSTED_PROXIES": "127.0.0.1, 10.1.2.3/8,::1,"})
    wanted = ("127.0.0.1/32", "10.0.0.0/8", "::1/128")
    assert settings.proxy_networks() == tuple(ip_network(text) for text in wanted)


def test_settings_do_not_show_their_secrets() -> None:
    settings = load({"KOINE_SECRET_KEY": LONG})
    assert LONG not in f"{settings} {settings!r}"
