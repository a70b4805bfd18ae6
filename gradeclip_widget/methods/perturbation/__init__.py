"""Methods that disturb the picture and watch the score."""
