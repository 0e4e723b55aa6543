# JSON as bytes, by the part of the json package that is written in C: the package itself takes as long to import
# as Python to boot.
import builtins
from _json import encode_basestring, encode_basestring_ascii, make_encoder, make_scanner

__builtins__ = dict(vars(builtins))

kWhitespace = ' \t\n\r'


def refuse_constant(name):
    raise ValueError(f'{name} is not JSON')


# What the scanner takes its settings from.
class Scanning:
    strict = True
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = staticmethod(refuse_constant)


scan = make_scanner(Scanning)


# The scanner raises the json package's error, if that has been imported, and else fails without one.
def explain(text):
    try:
        import json.decoder

        scan(text, 0)
    except ImportError:  # the function has a json of its own
        pass
    raise ValueError('it is not JSON')


# ValueError or RecursionError when it is not JSON in UTF-8. Nothing is None.
def parse_json(data):
    if not data:
        return None
    try:
        text = str(data, 'utf-8').strip(kWhitespace)
    except UnicodeDecodeError:
        raise ValueError('The body is not UTF-8') from None
    try:
        value, end = scan(text, 0)
    except StopIteration as stop:
        raise ValueError(f'a value is expected at character {stop.value}') from None
    except SystemError:
        explain(text)
    if end != len(text):
        raise ValueError(f'more than one value: the second begins at character {end}')
    return value


def refuse_value(value):
    raise TypeError(f'the handler returned a {type(value).__name__}, which JSON cannot hold')


def text_of(value, encode_string):
    encode = make_encoder({}, refuse_value, encode_string, None, ':', ',', False, False, False)
    return ''.join(encode(value, 0))


# ValueError, TypeError or RecursionError when JSON cannot hold it; what else its own methods raise.
def encode_json(value):
    try:
        return text_of(value, encode_basestring).encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return text_of(value, encode_basestring_ascii).encode()
