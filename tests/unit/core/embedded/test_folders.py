"""Where sockets go, and whose folders are touched."""

import errno
import os
import stat
from pathlib import Path

import pytest

from caravan.core.embedded import EmbeddedDiskFullError, EmbeddedPermissionError
from caravan.core.embedded import folders as folders_module
from caravan.core.embedded.folders import Home, plain_errors, private_folder, socket_folder


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_short_plain_path_keeps_its_sockets_at_home(monkeypatch: pytest.MonkeyPatch):
    assert socket_folder(Home(Path("/srv/shop/.caravan"))) == Path("/srv/shop/.caravan/run")


@pytest.mark.parametrize(
    "path",
    ["/srv/" + "x" * 250, "/srv/a,b", "/srv/متجر", "/srv/a b"],
    ids=["long", "comma", "arabic", "space"],
)
def test_a_path_that_will_not_do_gets_the_same_short_private_folder_each_time(
    path: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setattr(folders_module, "LONGEST_SOCKET_PATH", len(str(tmp_path)) + 60)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    folder = socket_folder(Home(Path(path)))
    assert folder.parent == tmp_path
    assert mode(folder) == 0o700
    assert socket_folder(Home(Path(path))) == folder
    assert socket_folder(Home(Path(path + "/other"))) != folder


def test_the_limit_is_that_of_the_kernel():
    base = "/" + "x" * (folders_module.LONGEST_SOCKET_PATH - len("//run/.s.PGSQL.5432"))
    assert socket_folder(Home(Path(base))) == Path(base) / "run"
    assert not folders_module._fits(Home(Path(base + "x")).run)


def test_no_folder_for_sockets_at_all_is_said(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(folders_module, "LONGEST_SOCKET_PATH", 10)
    with pytest.raises(EmbeddedPermissionError, match="No folder for Unix sockets"):
        socket_folder(Home(Path("/srv")))


def test_only_folders_of_our_own_are_made_and_closed(tmp_path: Path):
    tmp_path.chmod(0o755)
    home = Home(tmp_path / "project" / ".caravan")
    home.make()
    (home.run).chmod(0o755)
    home.make()
    assert [mode(path) for path in (home.path, home.run, home.log)] == [0o700] * 3
    assert mode(tmp_path) == 0o755


def test_a_link_in_place_of_the_folder_is_refused(tmp_path: Path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "run").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(EmbeddedPermissionError, match="is not a folder of user"):
        private_folder(tmp_path / "run")


def test_a_folder_of_a_stranger_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "run").mkdir()
    found = os.lstat(tmp_path / "run")
    foreign = os.stat_result((*found[:4], found.st_uid + 1, *found[5:]))
    monkeypatch.setattr(Path, "lstat", lambda _: foreign)
    with pytest.raises(EmbeddedPermissionError):
        private_folder(tmp_path / "run")


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (errno.ENOSPC, EmbeddedDiskFullError),
        (errno.EDQUOT, EmbeddedDiskFullError),
        (errno.EACCES, EmbeddedPermissionError),
        (errno.EROFS, EmbeddedPermissionError),
        (errno.EISDIR, IsADirectoryError),
    ],
)
def test_refusals_of_the_system_become_errors_with_a_code(number: int, expected: type[Exception]):
    with pytest.raises(expected), plain_errors("trying"):
        raise OSError(number, os.strerror(number))
