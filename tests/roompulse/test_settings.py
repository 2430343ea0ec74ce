"""Settings: flag over variable over default, each one shown, each wrong value named, no secret printed."""

from __future__ import annotations

import argparse
from dataclasses import fields
from importlib import import_module

import pytest

from roompulse.errors import UsageError
from roompulse.settings import PREFIX, Settings, add_settings, load_settings, masked

NAMES = [item.name for item in fields(Settings) if not item.metadata["secret"]]


def parser_of(*names: str) -> argparse.ArgumentParser:
    """A command with these settings."""
    parser = argparse.ArgumentParser(prog="command")
    add_settings(parser, *names)
    return parser


def load(*flags: str, **variables: str) -> Settings:
    """Settings from flags and from variables without their prefix."""
    return load_settings(
        parser_of(*NAMES).parse_args(flags), {PREFIX + name: value for name, value in variables.items()}
    )


def test_a_flag_wins_over_a_variable_over_the_default() -> None:
    """In this order, for text, numbers and switches."""
    assert load().max_batch == 5000
    assert load(MAX_BATCH="7").max_batch == 7
    assert load("--max-batch", "8", MAX_BATCH="7").max_batch == 8
    assert load(CREATE_TOPICS="no").create_topics is False
    assert load("--create-topics", CREATE_TOPICS="no").create_topics is True
    assert load("--no-create-topics").create_topics is False


def test_only_prefixed_variables_count() -> None:
    """Other programs' variables, and ours without the prefix, are not read."""
    assert load_settings(argparse.Namespace(), {"MAX_BATCH": "7", "roompulse_max_batch": "7"}) == Settings()


def test_every_setting_is_shown_with_its_variable_and_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """`--help` names the flag, the variable and the default of each, and not what the environment holds."""
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.setenv("ROOMPULSE_REDIS_URL", "redis://:hunter2@host")
    text = parser_of(*NAMES).format_help()
    for item in (item for item in fields(Settings) if item.name in NAMES):
        assert "--" + item.name.replace("_", "-") in text
        default = str(item.default).lower() if isinstance(item.default, bool) else item.default
        assert f"[{PREFIX}{item.name.upper()}{'' if default in ('', None) else f', default {default}'}]" in text
    assert "hunter2" not in text
    assert "--rebuild-hours HOURS" in text
    assert "--session-timeout-s SECONDS" in text


def test_the_scorer_takes_every_setting() -> None:
    """A setting that no command shows could not be found."""
    assert set(import_module("scorer.score").SETTINGS) == set(NAMES)


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("max_batch", "0", "expected a whole number from 1 up"),
        ("max_batch", "many", "expected a whole number from 1 up"),
        ("max_batch", "1.5", "expected a whole number from 1 up"),
        ("max_batch", "", "expected a whole number from 1 up"),
        ("partitions", "-1", "expected a whole number from 1 up"),
        ("partitions", "9" * 30, "expected a whole number from 1 up"),
        ("metrics_port", "65536", "expected a port from 0"),
        ("metrics_port", "http", "expected a port from 0"),
        ("metrics_port", "-1", "expected a port from 0"),
        ("session_timeout_s", "0", "expected a number above 0"),
        ("session_timeout_s", "nan", "expected a number above 0"),
        ("rebuild_hours", "inf", "expected a number above 0"),
        ("rebuild_hours", "a day", "expected a number above 0"),
        ("create_topics", "maybe", "expected true or false"),
        ("client", "java", "expected one of auto, kafka-python, confluent"),
        ("partitioner", "md5", "expected one of any, murmur2, crc32"),
        ("log_level", "INFO", "expected one of debug, info, warning, error"),
        ("topic_prefix", "a b", "expected letters, digits, dot, underscore or hyphen"),
        ("topic_prefix", "x" * 129, "expected letters, digits, dot, underscore or hyphen"),
        ("redis_prefix", "{0}", "expected letters, digits, dot, underscore or hyphen"),
    ],
)
def test_a_wrong_value_names_where_it_came_from(name: str, value: str, text: str) -> None:
    """The flag where it was a flag, the variable where it was a variable; value and expectation."""
    variable = f"{PREFIX}{name.upper()}: got '{value}': {text}"
    with pytest.raises(UsageError, match=text) as refused:
        load_settings(argparse.Namespace(), {PREFIX + name.upper(): value})
    assert str(refused.value).startswith(variable)
    if name != "create_topics":
        flag = "--" + name.replace("_", "-")
        with pytest.raises(UsageError) as refused:
            load(f"{flag}={value}", **{name.upper(): "also wrong"})
        assert str(refused.value).startswith(f"{flag}: got '{value}': {text}")


@pytest.mark.parametrize(("value", "read"), [("TRUE", True), ("1", True), ("on", True), ("No", False), ("0", False)])
def test_switches_read_the_usual_words(value: str, read: bool) -> None:
    """Upper or lower case."""
    assert load(CREATE_TOPICS=value).create_topics is read


@pytest.mark.parametrize(
    "url",
    [
        "redis://:hunter2@host:6379/0",
        "rediss://user:hunter2@host",
        "redis://:hunt@hunter2@host/0",
        "redis://:hunt/hunter2@host/0",
        "redis://user:hunter2:more@host",
        "redis://host/0?password=hunter2&db=1",
    ],
)
def test_a_password_is_never_printed(url: str) -> None:
    """Not in the settings' text, nor where an address is quoted in a message; whoever did not escape it included."""
    settings = Settings(redis_url=url)
    for text in (repr(settings), str(settings), masked(url)):
        assert "hunt" not in text
        assert "***" in text
    assert "host" in masked(url)


@pytest.mark.parametrize("text", ["redis://host:6379/0", "redis://user@host/0", "127.0.0.1:9092,b:9092", ""])
def test_what_holds_no_password_is_shown_as_it_is(text: str) -> None:
    """An address in a message has to be recognised."""
    assert masked(text) == text


def test_the_instance_is_named_after_the_host_and_port() -> None:
    """Unless it was given a name."""
    assert Settings(instance_id="blue").instance == "blue"
    assert Settings(metrics_port=9).instance.endswith("-9")
