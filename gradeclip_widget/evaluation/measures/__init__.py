"""The measures, by what they need to know: masks, the model's scores, or explanations alone."""
