"""The recipe behind the embedded model's weights, and what measures them: for maintainers."""
