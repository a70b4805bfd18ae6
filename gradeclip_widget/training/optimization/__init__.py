"""What training lowers, and how: losses and the optimizer."""
