"""As whom PostgreSQL runs, by who asks and who owns the data."""

import os
from pathlib import Path

import pytest

from caravan.core.embedded import EmbeddedPermissionError, identity
from caravan.core.embedded.identity import choose_identity


def owner_of(folder: Path) -> int:
    return folder.stat().st_uid


def test_a_user_runs_it_as_himself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    tmp_path_owner = owner_of(tmp_path) or 1000
    monkeypatch.setattr("os.geteuid", lambda: tmp_path_owner)
    if os.getuid() == 0:
        os.chown(tmp_path, tmp_path_owner, tmp_path_owner)
    assert choose_identity(tmp_path) == "same"


def test_a_user_is_refused_the_data_of_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("os.geteuid", lambda: owner_of(tmp_path) + 1)
    with pytest.raises(EmbeddedPermissionError, match="only for the owner"):
        choose_identity(tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root chooses")
@pytest.mark.parametrize(("owner", "expected"), [(0, "namespace"), (1234, "1234:1235")])
def test_root_goes_by_the_owner_of_the_data(
    owner: int, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(identity, "_namespaces_work", lambda: True)
    os.chown(tmp_path, owner, owner and owner + 1)
    assert choose_identity(tmp_path) == expected


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_without_namespaces_nobody_gets_this_folder_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(identity, "_namespaces_work", lambda: False)
    data = tmp_path / "postgres"
    (data / "base").mkdir(parents=True)
    (data / "base" / "1").touch()
    (data / "outside").symlink_to(tmp_path)
    uid, _ = choose_identity(data).split(":")
    assert {owner_of(path) for path in (data, data / "base", data / "base" / "1")} == {int(uid)}
    assert owner_of(tmp_path) == 0


def test_namespaces_are_tried_on_linux_only(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sys.platform", "darwin")
    assert identity._namespaces_work.__wrapped__() is False
