"""An explanation as pictures that travel: files, and a cell's output that needs no script."""
