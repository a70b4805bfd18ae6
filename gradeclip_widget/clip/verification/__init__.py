"""Whether what is explained is what was given: the model's own embeddings, its own preprocessing."""
