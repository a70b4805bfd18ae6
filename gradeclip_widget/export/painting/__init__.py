"""An explanation painted over its picture, in Pillow."""
