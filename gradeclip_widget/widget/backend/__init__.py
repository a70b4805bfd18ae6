"""What is behind a live widget: its pictures and models, what is computed with them, and the thread."""
