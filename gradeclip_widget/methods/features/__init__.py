"""Methods that compare dense features of the picture with the text."""
