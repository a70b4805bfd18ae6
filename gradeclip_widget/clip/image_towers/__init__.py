"""Image towers, one file per family; see the README of the folder above for adding one."""
