"""The load generator: the same loops for everything that is measured.

A contender (we, a floor, a rival) is a program of its own that describes itself
as a subclass of Contender and calls serve(). The suite talks to it in JSON lines;
the loops that make the load, and the clock, are the ones in this package, so that
nobody is measured by other code than the rest.

Standard library only, because it runs inside the environments of the rivals. It is
found through PYTHONPATH, which names this package's folder and never our own tree.
"""

from .contender import Consumer, Contender, Unsupported
from .protocol import serve

__all__ = ["Consumer", "Contender", "Unsupported", "serve"]
