"""A holder's lock tells the living from the dead, and old leftovers go."""

import os
from pathlib import Path

from caravan.platform.jobs.holder import Holder, dead_holders, sweep_folder


def test_a_living_holder_is_not_dead_and_one_whose_lock_fell_is(tmp_path: Path) -> None:
    living, dying = Holder(tmp_path), Holder(tmp_path)
    assert living.name != dying.name
    names = [living.name, dying.name, "on another machine:1:x"]
    assert dead_holders(tmp_path, names) == []
    assert dying._lock is not None
    os.close(dying._lock)  # as the kernel does for the dead
    assert dead_holders(tmp_path, names) == [dying.name]
    living.close()


def test_old_locks_of_the_dead_and_old_reports_are_removed(tmp_path: Path) -> None:
    living, dead = Holder(tmp_path), Holder(tmp_path)
    assert dead._lock is not None
    os.close(dead._lock)
    old, fresh = tmp_path / "running" / "old", tmp_path / "running" / "fresh"
    for folder in (old, fresh):
        folder.mkdir(parents=True)
        (folder / "result.json").write_text("{}", encoding="utf-8")
    for path in (*(tmp_path / "holders").iterdir(), old / "result.json"):
        os.utime(path, (1, 1))
    sweep_folder(tmp_path)
    assert [path.name for path in (tmp_path / "running").iterdir()] == ["fresh"]
    assert len(list((tmp_path / "holders").iterdir())) == 1
    assert dead_holders(tmp_path, [living.name]) == []
    living.close()
