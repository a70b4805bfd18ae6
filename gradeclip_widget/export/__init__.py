"""Explanations as files, pictures, figures and tables: one file per format."""
