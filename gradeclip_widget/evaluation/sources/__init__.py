"""Examples from your own data: folders with tables of captions, COCO's annotation files, and datasets."""

from .coco import coco_examples
from .dataset import dataset_examples
from .folder import folder_examples

__all__ = ["coco_examples", "dataset_examples", "folder_examples"]
