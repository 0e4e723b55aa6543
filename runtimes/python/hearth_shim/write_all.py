# Output that is in its pipe when the call returns.
import builtins
from os import write
from time import sleep

__builtins__ = dict(vars(builtins))


# Writes all of it. A descriptor that a child process has made non-blocking is waited for.
def write_all(fd, data):
    written = 0
    while written < len(data):
        try:
            written += write(fd, data[written:] if written else data)
        except BlockingIOError:
            sleep(0.001)
