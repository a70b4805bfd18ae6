"""Image towers, one file per family; docs/extending.md describes how to add one."""
