"""`roompulse models`: what may be promoted, and what people and scripts are told."""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from roompulse.bundle import default_bundle, load_bundle
from roompulse.cli import main
from roompulse.errors import ModelMissing
from roompulse.model_card import losses
from roompulse.settings import Settings
from scorer.models import configure
from scorer.wiring import chosen_bundle, models
from tests.scorer.bundles import bundle_at, card


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The default registry is `models` in the working folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ROOMPULSE_REGISTRY", raising=False)


def told(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> dict[str, Any]:
    """Run an action with --json; returns its summary."""
    assert main(["models", *arguments, "--json"]) == code
    found: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return found


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run an action, expect exit code 1 and nothing on standard output; returns what it said."""
    assert main(["models", *arguments]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err


def test_from_training_to_the_champion_and_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Promote two bundles, see them, roll back, look at the card: the whole life of a registry."""
    first, second = bundle_at(tmp_path / "a", "1"), bundle_at(tmp_path / "b", "2", card(6.0))
    assert told(capsys, "promote", "a")["rollback_goes_to"] is None
    promoted = told(capsys, "promote", "b")
    assert promoted == {
        "alias": "champion", "model": second.label, "hash": second.hash, "changed": True,
        "rollback_goes_to": first.label, "loses": [], "partitions_told": None,
    }  # fmt: skip
    told(capsys, "promote", first.label, "--as", "challenger")
    listed = told(capsys, "list")
    assert (listed["champion"], listed["challenger"]) == (second.label, first.label)
    assert [row["aliases"] for row in listed["bundles"]] == [["challenger"], ["champion"]]
    assert listed["bundles"][1]["heldout"] == {
        "judged_by": "heldout", "mae": {"+1": 5.5, "+5": 6.0, "+10": 6.5, "mean": 6.0}, "best_baseline": "median_20",
        "best_baseline_mae": 7.0, "coverage_80": 0.801,
    }  # fmt: skip
    assert told(capsys, "rollback")["model"] == first.label
    shown = told(capsys, "show")
    assert (shown["label"], shown["card"]) == (first.label, card())
    assert [(change["alias"], change["how"]) for change in shown["changes"]] == [
        ("champion", "promoted"), ("champion", "rolled back"), ("challenger", "promoted"),
    ]  # fmt: skip
    assert told(capsys, "verify") == {
        "checked": 4, "wrong": 0,
        "problems": dict.fromkeys([first.label, second.label, "champion", "challenger"]),
    }  # fmt: skip


def test_tables_are_for_people(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Label, alias, figures and the baseline they stand against; the card as an outline."""
    label = bundle_at(tmp_path / "a").label
    assert main(["models", "promote", "a"]) == 0
    assert main(["models", "list"]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if label in line and "│" in line)
    for text in ("champion", "step", "6.5", "median_20 7", "80.1%"):
        assert text in line
    assert main(["models", "show", "champion"]) == 0
    shown = capsys.readouterr().out
    assert "loses      to no baseline" in shown
    assert "median_20: +1 6.5  +5 7  +10 7.5  mean 7" in shown
    assert main(["models", "verify", "champion"]) == 0
    assert "champion: as it was written" in capsys.readouterr().out


def test_a_loser_is_refused_unless_forced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The refusal names the baseline and both errors; what was forced is remembered as such."""
    bundle_at(tmp_path / "a", about=card(network=7.5))
    message = refused(capsys, "promote", "a")
    assert "median_20 has a mean absolute error of 7, the network 7.5; --force promotes it" in message
    assert not (tmp_path / "models").exists()
    assert told(capsys, "promote", "a", "--force")["loses"] == [
        "median_20 has a mean absolute error of 7, the network 7.5"
    ]
    assert told(capsys, "show")["changes"][0]["how"] == "forced"


@pytest.mark.parametrize(
    "about",
    [
        {},
        {"note": "figures follow"},
        {"results": []},
        {"results": {"heldout": {"mae": {"network": {"mean": 6.0}}}}},
        {"results": {"heldout": {"mae": {"network": {"mean": None}, "median_20": {"mean": 7.0}}}}},
        {"results": {"heldout": {"mae": {"network": {"mean": "6"}, "median_20": {"mean": 7.0}}}}},
        {"results": {"heldout": {"mae": {"network": {"mean": True}, "median_20": {"mean": 7.0}}}}},
        {"results": {"heldout": {"mae": {"network": {"+1": 6.0}, "median_20": {"mean": 7.0}}}}},
        {"results": {"heldout": {}, "training": card()["results"]["heldout"]}},
        {"judged_by": "elsewhere", "results": card()["results"]},
        [],
        None,
    ],
)
def test_a_card_without_figures_counts_as_losing(about: Any) -> None:
    """Also one whose figures are no numbers, on other rooms, or without a baseline beside them."""
    assert losses(about) == ["its card has no figures on held-out rooms"]


def test_the_shipped_model_has_earned_its_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It can be promoted as it comes."""
    assert told(capsys, "promote", str(default_bundle()))["loses"] == []


def test_the_network_must_be_better_and_not_only_as_good() -> None:
    """The error averaged over the horizons decides, against every baseline; an equal one is a loss."""
    assert losses(card(6.9, 7.0)) == []
    assert len(losses(card(7.0, 7.0))) == 1
    assert len(losses(card(9.5, 7.0))) == 2


def test_what_the_scorer_would_refuse_is_not_promoted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Changed files and golden vectors that come out differently; force does not help, and the champion stays."""
    good = bundle_at(tmp_path / "good")
    told(capsys, "promote", "good")
    bundle_at(tmp_path / "wrong", "2", golden_error=0.01)
    assert "golden network outputs come out differently" in refused(capsys, "promote", "wrong", "--force")
    changed = bundle_at(tmp_path / "changed", "3")
    (changed.folder / "card.json").write_text(json.dumps(card(1.0)))
    assert "changed since the bundle was written" in refused(capsys, "promote", "changed", "--force")
    assert told(capsys, "list")["champion"] == good.label
    assert len(told(capsys, "list")["bundles"]) == 1


def test_verify_finds_what_was_harmed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 1, the bundle and every alias that leads to it; list goes on beside it."""
    first, second = bundle_at(tmp_path / "a", "1"), bundle_at(tmp_path / "b", "2")
    for name in "ab":
        told(capsys, "promote", name)
    model = tmp_path / "models" / second.label / "model.onnx"
    model.write_bytes(model.read_bytes()[:-1])
    found = told(capsys, "verify", code=1)
    assert found["wrong"] == 2
    assert found["problems"][first.label] is None
    assert "model.onnx: changed since" in found["problems"]["champion"]
    assert told(capsys, "verify", first.label)["wrong"] == 0
    assert "model.onnx: changed since" in told(capsys, "list")["bundles"][1]["damaged"]
    assert main(["models", "list"]) == 0
    assert "damaged" in capsys.readouterr().out


def test_a_bundle_outside_of_the_registry_is_pointed_at(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`train --out models/mine` and then `models list` must not look as if the training was lost."""
    mine = bundle_at(tmp_path / "models" / "mine")
    assert main(["models", "list"]) == 0
    captured = capsys.readouterr()
    assert "no bundle yet" in captured.out
    assert "models/mine is a bundle outside of the registry: promote it" in captured.err
    assert told(capsys, "promote", "models/mine")["model"] == mine.label
    assert (tmp_path / "models" / mine.label).is_dir()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["list"], "there is no registry yet"),
        (["verify"], "there is no registry yet"),
        (["rollback"], "there is no registry yet"),
        (["list", "--registry", "file"], "is a file, not a registry"),
        (["list", "--registry", "trained"], "is a model bundle, not a registry"),
        (["show", "--registry", "empty"], "has no champion yet"),
        (["show", "nobody", "--registry", "empty"], "has no bundle 'nobody'; there are: none"),
        (["show", "../trained", "--registry", "empty"], "has no bundle '../trained'"),
        (["promote", "nothing"], "neither a bundle's folder nor a label"),
        (["promote", "file"], "no such folder"),
        (["promote", "empty"], "not a model bundle"),
        (["promote", "champion", "--registry", "empty"], "has no champion yet"),
        (["promote", "trained", "--registry", "file"], "is a file, not a registry"),
        (["promote", "trained", "--registry", "file/models"], "cannot be written"),
        (["rollback", "--registry", "empty"], "the champion was never set"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    """Exit code 1, no traceback, and what is missing."""
    (tmp_path / "file").write_text("")
    (tmp_path / "empty").mkdir()
    bundle_at(tmp_path / "trained")
    said = refused(capsys, *arguments)
    assert message in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("arguments", [[], ["delete"], ["promote"], ["promote", "a", "--as", "king"], ["list", "x"]])
def test_wrong_usage_has_its_own_exit_code(arguments: list[str]) -> None:
    """Exit code 2, and nothing is done."""
    with pytest.raises(SystemExit) as exited:
        main(["models", *arguments])
    assert exited.value.code == 2


def test_a_card_cannot_steer_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Escape sequences and markup in a card are shown, not obeyed."""
    bundle_at(tmp_path / "a", about=card() | {"note": "\x1b[2J[red]hello[/red]\x07"})
    told(capsys, "promote", "a")
    assert main(["models", "show"]) == 0
    shown = capsys.readouterr().out
    assert "[red]hello[/red]" in shown
    assert not {"\x1b", "\x07"} & set(shown)


def test_the_registry_is_a_setting(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """ROOMPULSE_REGISTRY names it, --registry wins."""
    bundle_at(tmp_path / "a")
    monkeypatch.setenv("ROOMPULSE_REGISTRY", "by-variable")
    told(capsys, "promote", "a")
    told(capsys, "promote", "a", "--registry", "by-flag")
    assert (tmp_path / "by-variable" / "champion").exists()
    assert (tmp_path / "by-flag" / "champion").exists()
    parser = argparse.ArgumentParser()
    configure(parser)


def test_scorer_and_backtest_take_a_registry(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--model` naming a registry means its champion; forecasts carry that label."""
    champion = bundle_at(tmp_path / "a")
    told(capsys, "promote", "a")
    assert chosen_bundle(Settings(model="models")).hash == champion.hash
    rows = [f"r1,2024-05-01 10:{minute:02d}:00,{minute}" for minute in range(3)]
    (tmp_path / "history.csv").write_text("\n".join(["room_id,minute,watch_ucnt", *rows]) + "\n")
    assert main(["backtest", "history.csv", "--model", "models", "--out", "result"]) == 0
    for line in (tmp_path / "result" / "forecasts.jsonl").read_text().splitlines():
        assert json.loads(line)["model"] == champion.label


def test_a_checkpoint_goes_on_with_its_own_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """After a promotion a checkpoint still finds the bundle that it was made with, wherever the registry is named."""
    first, second = bundle_at(tmp_path / "a", "1"), bundle_at(tmp_path / "b", "2")
    for name in "ab":
        told(capsys, "promote", name)
    for settings in (Settings(model="models"), Settings(model=f"models/{second.label}"), Settings(registry="models")):
        model_for = models(settings, chosen_bundle(settings), 1)
        assert model_for(first.hash).model == first.hash
    settings = Settings(model="b", registry="nowhere")
    model_for = models(settings, chosen_bundle(settings), 1)
    assert model_for(None).model == second.hash
    shipped = load_bundle(default_bundle()).hash
    assert model_for(shipped).model == shipped
    shutil.rmtree(tmp_path / "a")
    with pytest.raises(ModelMissing, match="is not here: put its bundle into"):
        model_for(first.hash)
