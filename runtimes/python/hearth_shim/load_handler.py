# Finds and loads the handler that a function names. Runs once.
import builtins
import sys
from os import path

__builtins__ = dict(vars(builtins))

kDefaultName = 'handler'
kMostParameters = 2  # event, context
kManyParameters = 0x04  # CO_VARARGS of a function's code: *args


class HandlerNotFound(Exception):
    pass


# "dir/file.name" is `name` of dir/file.py; "dir/file" is its `handler`. The first dot after the last slash divides
# them.
def split_handler(handler):
    base = handler.rfind('/') + 1
    dot = handler.find('.', base)
    if dot < 0:
        return handler, [kDefaultName]
    return handler[:dot], handler[dot + 1 :].split('.')


def load_module(code_path, file):
    found = path.join(code_path, f'{file}.py')
    if not path.isfile(found):
        raise HandlerNotFound(f'no {file}.py in the code')
    sys.path.insert(0, code_path)
    sys.argv = [found]
    name = file.replace('/', '.')
    __import__(name)
    module = sys.modules[name]
    if getattr(module, '__file__', None) != found:
        raise HandlerNotFound(f'{file}.py has the name of a module that Python itself has loaded: give it another')
    return module


def pick(module, names, file):
    value = module
    for name in names:
        value = getattr(value, name, None)
    if not callable(value):
        has = ', '.join(name for name in vars(module) if not name.startswith('_'))
        raise HandlerNotFound(f'{file}.py has no function named {".".join(names)}; it has: {has or "nothing"}')
    return value


# How many of (event, context) it takes. What does not say so takes both.
def parameters_of(function):
    code = getattr(function, '__code__', None)
    if code is None or code.co_flags & kManyParameters:
        return kMostParameters
    bound = 1 if getattr(function, '__self__', None) is not None else 0
    return min(max(code.co_argcount - bound, 0), kMostParameters)


# The handler, and how many parameters it takes.
def load_handler(code_path, handler):
    file, names = split_handler(handler)
    function = pick(load_module(code_path, file), names, file)
    return function, parameters_of(function)
