"""Explanations as files, pictures, figures and tables; `formats` lists the file formats."""
