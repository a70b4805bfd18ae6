"""From a picture and captions to explanations."""
