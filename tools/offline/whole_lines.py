"""A plugin for nbmake's pytest: what a cell prints is one output.

A kernel sends it in pieces, cut wherever a fifth of a second ended. nbclient joins them if it is
told to; nbmake has no option that tells it.
"""

from functools import partialmethod

from nbclient import NotebookClient

NotebookClient.__init__ = partialmethod(NotebookClient.__init__, coalesce_streams=True)
