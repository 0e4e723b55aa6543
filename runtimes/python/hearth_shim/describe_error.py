# Whatever a handler raised, as {type, message, stack}: plain text within bounds. Every step may meet a method
# that raises.
import builtins
from os import path

__builtins__ = dict(vars(builtins))

kMaxTypeChars = 256
kMaxMessageChars = 8 * 1024
kMaxStackChars = 16 * 1024

own_folder = path.dirname(path.dirname(path.abspath(__file__)))


# The frames above the handler's own are the shim's.
def handlers_part(trace):
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith(own_folder):
        trace = trace.tb_next
    return trace


# Its end is cut last: the innermost frames and the message.
def stack_of(error):
    from traceback import format_exception

    return ''.join(format_exception(type(error), error, handlers_part(error.__traceback__)))[-kMaxStackChars:]


def try_text(read):
    try:
        return read()
    except BaseException:
        return ''


def describe_error(error):
    return {
        'type': type(error).__name__[:kMaxTypeChars],
        'message': try_text(lambda: str(error)[:kMaxMessageChars]),
        'stack': try_text(lambda: stack_of(error)),
    }
