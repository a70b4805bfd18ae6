"""The stress command: hostile files, texts, signals and mixed-up data, tried at random from one seed."""
