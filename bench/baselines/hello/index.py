# The handler of index.js, for Hearth's python runtime.
def handler(event):
    return {'message': f'Hello, {(event or {}).get("name", "world")}!'}
