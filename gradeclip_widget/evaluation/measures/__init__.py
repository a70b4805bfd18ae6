"""The measures, by what they need: masks, the model's scores, or only explanations."""
