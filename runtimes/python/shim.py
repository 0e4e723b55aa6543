# The shim of the python runtime: loads one handler and executes invocations, which arrive as frames and are
# answered by frames (hearth_shim/frames.py). The protocol is runtimes/protocol.md; the same suite drives every
# language's shim: runtimes/conformance/.
#
# It is started as `python3 -I -S -B -X utf8 shim.py`: isolated (-I) and without site (-S), so that neither the
# host's packages nor PYTHON... variables have a part in it, and the boot is short; the code folder is read-only,
# so no bytecode is written (-B); and text is UTF-8 whatever the locale.
#
# It shares the process with code that it does not trust to be careful. Whatever it needs from the language is
# captured before the handler's module is loaded (each module has builtins of its own), so that a patched
# json.dumps or os.write changes the function's own world and not the protocol.
#
# One that is started with a socket where its requests should be is a zygote: it has booted, and goes on in each
# process that it forks for the launcher, in a sandbox of a function's (be_zygote()).
#
# Between calls the shim waits in a blocking read: threads of the function go on meanwhile. A handler that is
# awaited (async def, or one that returns an awaitable) needs an event loop, and asyncio takes five times as long
# to import as Python to boot: it is imported only then, and from then on frames are read by the event loop.
import builtins
import sys
from _struct import Struct
from os import chdir, environ, fstat, getcwd, path, register_at_fork, set_blocking, set_inheritable
from time import monotonic

sys.path.insert(0, path.dirname(path.abspath(__file__)))
from hearth_shim.describe_error import describe_error
from hearth_shim.frames import Requests, break_off, close_in_child, leave, kAnswersFd, kRequestsFd, send, send_log
from hearth_shim.json_text import encode_json, parse_json
from hearth_shim.load_handler import load_handler
from hearth_shim.output import replace_streams

del sys.path[0]

__builtins__ = dict(vars(builtins))

kProtocolVersion = 2

kInit = 1
kInvoke = 2
kReady = 129
kLoaded = 130
kInitError = 131
kResult = 132
kError = 133

kThrew = 0
kBadInput = 1
kBadOutput = 2

kFileKind = 0o170000  # S_IFMT of a file's mode,
kSocket = 0o140000  # and S_IFSOCK
kCoroutineFlag = 0x80  # CO_COROUTINE of a function's code: `async def`

init_head = Struct('<I')  # length of the JSON text; nothing is compiled for this runtime, so nothing follows
invoke_head = Struct('<IH')  # remaining ms, length of the request id
result_head = Struct('<I')  # duration in microseconds
error_head = Struct('<IB')  # the same, and the kind

requests = Requests()
init = None  # the init frame's fields, once it has come
handler = None  # once it is loaded
several = False  # calls at once
current = None  # the call in hand, or the last; with several calls in a loop, `calls` knows
calls = None  # then: a ContextVar of the call
loop = None  # once frames are read by an event loop
tasks = set()  # the loop itself holds its tasks weakly


# ---- one invocation


class Call:
    __slots__ = ('ended', 'identity', 'started')

    def __init__(self, identity):
        self.identity = identity
        self.ended = False
        self.started = 0.0

    # Ends it, and says how many microseconds its handler took.
    def end(self):
        micros = int((monotonic() - self.started) * 1e6)
        self.ended = True
        return min(micros, 0xFFFFFFFF)


class Context:
    def __init__(self, request_id, remaining_ms):
        self.request_id = request_id
        self.function_name = init['functionName']
        self.function_version = init['functionVersion']
        self.memory_limit_in_mb = init['memoryLimitMb']
        self._deadline = monotonic() + remaining_ms / 1000

    def get_remaining_time_in_millis(self):
        return max(0, int((self._deadline - monotonic()) * 1000))


def finish(call, value):
    micros = call.end()
    try:
        text = encode_json(value)
    except BaseException as error:
        send(kError, call.identity, error_head.pack(micros, kBadOutput) + encode_json(describe_error(error)))
        return
    send(kResult, call.identity, result_head.pack(micros) + text)


def fail(call, error):
    micros = call.end()
    send(kError, call.identity, error_head.pack(micros, kThrew) + encode_json(describe_error(error)))


def refuse_input(call, error):
    description = {'type': type(error).__name__, 'message': str(error), 'stack': ''}
    send(kError, call.identity, error_head.pack(0, kBadInput) + encode_json(description))


def is_awaitable(value):
    return hasattr(type(value), '__await__')


async def value_of(event, context):
    value = handler(event, context)
    return await value if is_awaitable(value) else value


# Answers before the loop turns: what the handler left to the loop comes after.
async def answer_later(call, awaitable):
    if several:
        calls.set(call)
    try:
        value = await awaitable
    except SystemExit as exit:
        leave(exit.code)
    except BaseException as error:
        fail(call, error)
    else:
        finish(call, value)
    if not several:
        loop.add_reader(kRequestsFd, on_readable)


def start_task(call, awaitable):
    task = loop.create_task(answer_later(call, awaitable))
    tasks.add(task)
    task.add_done_callback(tasks.discard)
    if not several:
        loop.remove_reader(kRequestsFd)  # the next call stays in the pipe until this one has ended


def invoke(identity, payload):
    global current
    call = Call(identity)
    remaining_ms, id_bytes = invoke_head.unpack_from(payload)
    request_id = str(payload[6 : 6 + id_bytes], 'utf-8', 'replace')
    try:
        event = parse_json(payload[6 + id_bytes :])
    except (ValueError, RecursionError) as error:
        refuse_input(call, error)
        return
    context = Context(request_id, remaining_ms)
    current = call
    call.started = monotonic()
    if loop is not None:
        start_task(call, value_of(event, context))
        return
    try:
        value = handler(event, context)
    except SystemExit as exit:
        leave(exit.code)
    except BaseException as error:
        fail(call, error)
        return
    if is_awaitable(value):
        make_loop()
        start_task(call, value)
    else:
        finish(call, value)


# The call that what is written now belongs to, or None.
def call_in_hand():
    call = calls.get(None) if calls is not None else current
    return None if call is None or call.ended else call


# ---- the one initialisation


def is_async(function):
    code = getattr(function, '__code__', None)
    return code is not None and code.co_flags & kCoroutineFlag != 0


def initialise(payload):
    global handler, init, several
    if init is not None:
        break_off('a second init')
    (length,) = init_head.unpack_from(payload)
    init = parse_json(payload[init_head.size : init_head.size + length])
    if init['protocol'] != kProtocolVersion:
        break_off(f'version {init["protocol"]} is not spoken here, {kProtocolVersion} is')
    several = init['concurrency'] > 1
    requests.several = several
    try:
        environ.update(init['environment'])
        chdir(init['codePath'])
        found, takes = load_handler(getcwd(), init['handler'])
        if is_async(found):
            make_loop()
    except SystemExit as exit:
        leave(exit.code)
    except BaseException as error:
        send(kInitError, 0, encode_json(describe_error(error)))
        return
    # One that declares fewer parameters than (event, context) gets as many as it declares.
    handler = (lambda event, context: found(), lambda event, context: found(event), found)[takes]
    send(kLoaded, 0, b'')


# ---- frames in


def take_frame(kind, identity, payload):
    if kind == kInvoke and handler is not None and len(payload) >= invoke_head.size:
        invoke(identity, payload)
    elif kind == kInit and len(payload) >= init_head.size:
        initialise(payload)
    else:
        break_off(f'a frame of type {kind} where none belongs')


def take_frames():
    while (frame := requests.take()) is not None:
        take_frame(*frame)


# From now on, for good, frames are read by an event loop.
def make_loop():
    global calls, loop
    from asyncio import new_event_loop, set_event_loop

    if several:
        from contextvars import ContextVar

        calls = ContextVar('hearth call')
    set_blocking(kRequestsFd, False)
    loop = new_event_loop()
    set_event_loop(loop)
    loop.add_reader(kRequestsFd, on_readable)


def on_readable():
    try:
        requests.read()
    except BlockingIOError:
        return  # taken back by the platform meanwhile
    take_frames()


def serve():
    while loop is None:
        frame = requests.take()
        if frame is None:
            requests.read()
        else:
            take_frame(*frame)
    loop.call_soon(take_frames)
    while True:
        loop.run_forever()


# Where the locale is C, Python puts a variable into its environment that it was not started with.
def restore_environment():
    if 'LC_CTYPE' in environ:
        with open('/proc/self/environ', 'rb') as given:
            if not any(variable.startswith(b'LC_CTYPE=') for variable in given.read().split(b'\0')):
                del environ['LC_CTYPE']


# Returns in processes that have a sandbox of their own, and know nothing of where they come from. What they touch of
# the zygote's memory the kernel copies: the collector leaves it alone.
def be_zygote():
    own_modules = set(sys.modules)
    import gc

    sys.path.insert(0, path.join(path.dirname(path.dirname(path.abspath(__file__))), 'python-zygote'))
    from hearth_zygote import serve

    sys.path_importer_cache.pop(sys.path.pop(0), None)
    for name in set(sys.modules) - own_modules:
        del sys.modules[name]
    gc.collect()
    gc.freeze()
    serve()


def main():
    if fstat(kRequestsFd).st_mode & kFileKind == kSocket:
        be_zygote()
    restore_environment()
    for descriptor in (kRequestsFd, kAnswersFd):
        set_inheritable(descriptor, False)
    replace_streams(call_in_hand, send_log)
    register_at_fork(after_in_child=close_in_child)
    version = '.'.join(str(part) for part in sys.version_info[:3])
    send(kReady, 0, encode_json({'protocol': kProtocolVersion, 'runtime': f'python {version}'}))
    try:
        serve()
    except SystemExit as exit:
        leave(exit.code)


if __name__ == '__main__':  # a process that the function spawns by multiprocessing loads this file too
    main()
