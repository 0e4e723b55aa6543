# The handler of index.js, for Hearth's python runtime.
def handler(event):
    return event
