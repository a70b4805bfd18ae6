"""Examples of one's own: folders of pictures with a table of captions, and COCO's annotation files."""

from .coco import coco_examples
from .folder import folder_examples

__all__ = ["coco_examples", "folder_examples"]
