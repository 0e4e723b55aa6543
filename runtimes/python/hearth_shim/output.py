# The function's own stdout and stderr: what is written is told by the call in whose context it was written, and
# else is in its pipe, when write() returns.
import builtins
import sys
from io import RawIOBase, TextIOWrapper

from hearth_shim.write_all import write_all

__builtins__ = dict(vars(builtins))


class LogStream(RawIOBase):
    # `call_in_hand()` is the call or None; `tell(call, fd, bytes)` says whether it told.
    def __init__(self, fd, call_in_hand, tell):
        self._fd = fd
        self._call_in_hand = call_in_hand
        self._tell = tell

    def fileno(self):
        return self._fd

    def writable(self):
        return True

    def write(self, data):
        data = bytes(data)
        call = self._call_in_hand()
        if call is None or not self._tell(call, self._fd, data):
            write_all(self._fd, data)
        return len(data)


def replace_streams(call_in_hand, tell):
    for fd, name in ((1, 'stdout'), (2, 'stderr')):
        raw = LogStream(fd, call_in_hand, tell)
        stream = TextIOWrapper(raw, encoding='utf-8', errors='backslashreplace', newline='\n', write_through=True)
        stream.mode = 'w'
        setattr(sys, name, stream)
        setattr(sys, f'__{name}__', stream)
