"""Methods that differentiate the score at features of the tower."""
