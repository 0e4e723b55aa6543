# Frames from the platform, on descriptor 3, and to it, on descriptor 4, and the ends of the process. A broken
# frame is one.
import atexit
import builtins
import sys
from _struct import Struct
from _thread import RLock
from os import _exit, close, read

from hearth_shim.write_all import write_all

__builtins__ = dict(vars(builtins))

kRequestsFd = 3
kAnswersFd = 4
kReadBytes = 64 * 1024
kMaxFrameBytes = 256 * 1024 * 1024
kProtocolExitCode = 70
kLog = 134
kLogBytes = 32 * 1024

header = Struct('<IIQ')  # length of the payload, type and reserved bytes, invocation id

# Threads of the function write logs: a frame goes out whole. Again in a signal handler: it does not wait for itself.
writing = RLock()
is_child = False
run_exit_functions = atexit._run_exitfuncs


class Requests:
    def __init__(self):
        self.several = False  # from now on one read may bring several frames
        self._received = bytearray()
        self._wanted = kReadBytes

    # Waits for bytes. Where frames are packets, a read is large enough for a whole one; while a large one is
    # gathered, it does not go past its end.
    def read(self):
        received = read(kRequestsFd, self._wanted)
        if not received:
            leave(0)
        self._received += received

    # The next (type, invocation id, payload) that is complete, or None. Unless several calls are in hand at once,
    # what arrives is the bytes of one frame and never more.
    def take(self):
        received = len(self._received)
        if received < header.size:
            return None
        length, kind, identity = header.unpack_from(self._received)
        end = header.size + length
        if end > kMaxFrameBytes or (received > end and not self.several):
            break_off(f'a frame of {end} bytes')
        if received < end:
            self._wanted = min(end - received, kReadBytes)
            return None
        self._wanted = kReadBytes
        payload = bytes(memoryview(self._received)[header.size : end])
        del self._received[:end]
        return kind, identity, payload


def send(kind, identity, payload):
    frame = header.pack(len(payload), kind, identity) + payload
    with writing:
        write_all(kAnswersFd, frame)


# What a call wrote to stdout (1) or stderr (2), in frames of a bounded size. False in a child process: it has
# no part in the protocol.
def send_log(call, stream, data):
    if is_child:
        return False
    for at in range(0, len(data), kLogBytes):
        send(kLog, call.identity, bytes((stream,)) + data[at : at + kLogBytes])
    return True


def close_in_child():
    global is_child
    is_child = True
    close(kRequestsFd)
    close(kAnswersFd)


# Ends the process as sys.exit(code) does, but waits for no thread.
def leave(code):
    if code is not None and not isinstance(code, int):
        sys.stderr.write(f'{code}\n')
        code = 1
    run_exit_functions()
    _exit((code or 0) & 0xFF)


def break_off(message):
    write_all(2, f'hearth: protocol error: {message}\n'.encode())
    _exit(kProtocolExitCode)
