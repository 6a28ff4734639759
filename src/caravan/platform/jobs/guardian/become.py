"""Becomes the program: ``python -I -S become.py GUARDIAN REPORT FOLDER PROGRAM ARGUMENT…``, a program of its own.

Between fork and exec a child should not run Python, so what has to happen there happens here: ask to die with the
guardian (prctl(2), PR_SET_PDEATHSIG), enter the folder, execute. What goes wrong is written to the descriptor REPORT
as ``errno``, a line feed and the file's name; it closes without a word when the program has begun.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

_PR_SET_PDEATHSIG = 1
_NOT_EXECUTABLE = 127


def main(arguments: Sequence[str]) -> NoReturn:
    guardian, report, folder, *command = arguments
    os.set_inheritable(int(report), False)  # noqa: FBT003 - its signature
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != int(guardian):
        sys.exit(_NOT_EXECUTABLE)
    for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)  # ignored signals would stay ignored after exec
    name = command[0]
    try:
        if folder:
            name = folder
            os.chdir(folder)
            name = command[0]
        os.execvp(command[0], command)  # noqa: S606 - no shell is the point
    except OSError as error:
        os.write(int(report), f"{error.errno}\n{name}".encode(errors="surrogateescape"))
    sys.exit(_NOT_EXECUTABLE)


if __name__ == "__main__":
    main(sys.argv[1:])
