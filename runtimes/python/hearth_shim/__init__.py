# The parts of ../shim.py. The package's name keeps them apart from a function's own modules.
