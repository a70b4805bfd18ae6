"""What to use for pictures that are foreign to the embedded model, which knows drawings only."""

FOR_PHOTOGRAPHS, MEGABYTES = "ViT-B-16/openai", 599  # the model, and the size of its download
