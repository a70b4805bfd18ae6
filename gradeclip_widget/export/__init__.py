"""An explanation as something to see, keep or send: one file per format."""
